package io.millpond;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Parked slots, by the address of their block. A slot is parked before its block is given to the native library, and
 * taken when the block comes back, on whatever thread.
 *
 * <p>One directory of 4 MiB chunks; in a chunk, one place for each 8 KiB page (a block that starts there), and for pages
 * that hold smaller blocks an array with a place for each 64 bytes, made when it is first needed.
 *
 * <p>Threading: a block has one holder at a time, and goes from one to the next through the native library, whose locks
 * order what they do here; so places need no synchronisation of their own. The sweep goes through them without asking
 * anybody: a slot that it takes away as it is being parked is only made again.
 */
final class SlotTable {
    private static final int CHUNK_SHIFT = 22;
    private static final int PAGE_SHIFT = 13;
    private static final int GRANULE_SHIFT = 6;
    private static final int PAGES = 1 << CHUNK_SHIFT - PAGE_SHIFT;
    private static final int GRANULES = 1 << PAGE_SHIFT - GRANULE_SHIFT;
    private static final VarHandle INSIDE = MethodHandles.arrayElementVarHandle(Slot[][].class);

    /** Open addressing by the chunk's number, at most half full. Replaced when it grows. */
    private volatile Chunk[] directory = new Chunk[16];
    private int chunks;
    /** Whether the last sweep left nothing and nothing was parked since. */
    private boolean empty = true;

    /** The parked slots of one chunk. */
    private static final class Chunk {
        final long number;
        /** Slots of blocks that start where a page does. */
        final Slot[] atPage = new Slot[PAGES];
        /** Slots of other blocks, by page and granule. */
        final Slot[][] inside = new Slot[PAGES][];
        /** Whether something was parked or taken since the last sweep. Racy: at worst a slot lives a sweep longer or less. */
        final boolean[] touched = new boolean[PAGES];
        /** Whether the last sweep left anything. */
        boolean left;

        Chunk(long number) {
            this.number = number;
        }

        Slot exchange(long address, Slot slot) {
            int page = (int) (address >>> PAGE_SHIFT) & PAGES - 1;
            int granule = (int) (address >>> GRANULE_SHIFT) & GRANULES - 1;
            if (!touched[page]) {
                touched[page] = true;
            }
            Slot[] places = granule == 0 ? atPage : inside[page];
            int place = granule == 0 ? page : granule;
            if (places == null) {
                if (slot == null) {
                    return null;
                }
                places = makeInside(page);
            }
            Slot before = places[place];
            if (before != slot) {
                places[place] = slot;
            }
            return before;
        }

        private Slot[] makeInside(int page) {
            Slot[] mine = new Slot[GRANULES];
            Slot[] others = (Slot[]) INSIDE.compareAndExchange(inside, page, (Slot[]) null, mine);
            return others == null ? mine : others;
        }

        int sweep(boolean all) {
            int dropped = 0;
            left = false;
            for (int page = 0; page < PAGES; page++) {
                if (touched[page] && !all) {
                    touched[page] = false;
                    left = true;
                    continue;
                }
                dropped += drop(atPage, page, page + 1);
                if (inside[page] != null) {
                    dropped += drop(inside[page], 0, GRANULES);
                    inside[page] = null;
                }
            }
            return dropped;
        }

        int parked() {
            int parked = count(atPage);
            for (Slot[] places : inside) {
                parked += places == null ? 0 : count(places);
            }
            return parked;
        }

        private static int count(Slot[] places) {
            int count = 0;
            for (Slot slot : places) {
                count += slot == null ? 0 : 1;
            }
            return count;
        }

        private static int drop(Slot[] places, int from, int to) {
            int dropped = 0;
            for (int i = from; i < to; i++) {
                if (places[i] != null) {
                    places[i] = null;
                    dropped++;
                }
            }
            return dropped;
        }
    }

    /**
     * Takes the slots of {@code count} blocks of a class out of the table, each into the place of its address.
     *
     * @return how many had none; their places are null
     */
    int take(long[] addresses, int count, int sizeClass, Slot[] into) {
        int missing = 0;
        for (int i = 0; i < count; i++) {
            Chunk chunk = find(addresses[i]);
            Slot slot = chunk == null ? null : chunk.exchange(addresses[i], null);
            // One of another class is left from when the page held blocks of another size.
            into[i] = slot != null && slot.sizeClass == sizeClass ? slot : null;
            missing += into[i] == null ? 1 : 0;
        }
        return missing;
    }

    /**
     * Puts slots that do not hold their blocks any more into the table, to be followed by giving the blocks away. Where the
     * Java heap has no room for it, they are not parked.
     */
    void park(Slot[] slots, int from, int to) {
        try {
            for (int i = from; i < to; i++) {
                long address = slots[i].address();
                Chunk chunk = find(address);
                if (chunk == null) {
                    chunk = add(address);
                }
                chunk.exchange(address, slots[i]);
            }
        } catch (OutOfMemoryError e) {
            // Whoever gets one of these blocks next makes its slot.
        }
        // Either the sweep sees the slots or this its mark.
        VarHandle.fullFence();
        if (empty) {
            empty = false;
        }
    }

    /**
     * Drops the slots of pages where nothing was parked or taken since the last sweep: their blocks rest, and resting
     * blocks should cost no Java heap.
     *
     * @return how many slots were dropped
     */
    int sweep() {
        return sweep(false);
    }

    /** Drops all slots. */
    int clear() {
        return sweep(true);
    }

    /** How many slots are parked. */
    int parked() {
        int parked = 0;
        for (Chunk chunk : directory) {
            parked += chunk == null ? 0 : chunk.parked();
        }
        return parked;
    }

    /** Whether nothing is parked. For who sweeps. */
    boolean isEmpty() {
        return empty;
    }

    private int sweep(boolean all) {
        if (empty) {
            return 0;
        }
        int dropped = 0;
        boolean left = false;
        empty = true;
        VarHandle.fullFence();
        for (Chunk chunk : directory) {
            if (chunk != null) {
                dropped += chunk.sweep(all);
                left |= chunk.left;
            }
        }
        if (left) {
            empty = false;
        }
        return dropped;
    }

    private Chunk find(long address) {
        long number = address >>> CHUNK_SHIFT;
        Chunk[] table = directory;
        for (int i = hash(number);; i++) {
            Chunk chunk = table[i & table.length - 1];
            if (chunk == null || chunk.number == number) {
                return chunk;
            }
        }
    }

    private synchronized Chunk add(long address) {
        Chunk chunk = find(address);
        if (chunk != null) {
            return chunk;
        }
        chunk = new Chunk(address >>> CHUNK_SHIFT);
        boolean grow = 2 * (chunks + 1) > directory.length;
        // A copy, because others read without a lock.
        Chunk[] table = new Chunk[grow ? 2 * directory.length : directory.length];
        for (Chunk each : directory) {
            insert(table, each);
        }
        insert(table, chunk);
        chunks++;
        directory = table;
        return chunk;
    }

    private static void insert(Chunk[] table, Chunk chunk) {
        if (chunk == null) {
            return;
        }
        int i = hash(chunk.number);
        while (table[i & table.length - 1] != null) {
            i++;
        }
        table[i & table.length - 1] = chunk;
    }

    private static int hash(long number) {
        return (int) (number * 0x9E37_79B9_7F4A_7C15L >>> 40);
    }
}
