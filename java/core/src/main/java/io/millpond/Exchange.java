package io.millpond;

import java.nio.ByteBuffer;
import java.util.function.ToIntFunction;

/**
 * Where slots come from and go to: turns blocks of the native library into slots, found in the table or newly made, and
 * slots into blocks.
 *
 * <p>Threading: every method may be called from any thread.
 */
final class Exchange {
    private final PoolCore core;
    private final NativePool pool;
    private final SlotTable table;
    private final Shelves shelves = new Shelves(this);

    Exchange(PoolCore core, NativePool pool, SlotTable table) {
        this.core = core;
        this.pool = pool;
        this.table = table;
    }

    /**
     * Takes up to {@code count} slots of a class into the first places of {@code into}.
     *
     * @return how many; 0 if the limit is reached or the operating system has no memory
     * @throws IllegalStateException if the pool is closed
     * @throws OutOfMemoryError if the Java heap has no room for a buffer object
     */
    int take(int sizeClass, Slot[] into, int count) {
        int ready = shelves.take(Thread.currentThread(), sizeClass, into, count);
        return ready > 0 ? ready : takeBlocks(sizeClass, into, count, blocks -> pool.take(sizeClass, blocks, count));
    }

    private int takeBlocks(int sizeClass, Slot[] into, int count, ToIntFunction<long[]> take) {
        long[] addresses = new long[count];
        int held = 0;
        try {
            int taken = take.applyAsInt(addresses);
            if (taken < 0) {
                return none(taken);
            }
            int missing = table.take(addresses, taken, sizeClass, into);
            if (missing > 0) {
                makeMissing(addresses, taken, missing, sizeClass, into);
            }
            // From here on the blocks are the slots'. Counted first: what is counted may be undone.
            while (held < taken) {
                into[held++].watch.held = true;
            }
            return taken;
        } catch (Throwable e) {
            giveUp(addresses, held, sizeClass, into);
            throw e;
        }
    }

    /** After an error: gives all blocks back, and leaves their slots to the garbage collector. */
    private void giveUp(long[] addresses, int held, int sizeClass, Slot[] into) {
        for (int i = 0; i < held; i++) {
            into[i].watch.held = false;
        }
        int taken = 0;
        while (taken < addresses.length && addresses[taken] != 0) {
            taken++;
        }
        pool.give(sizeClass, addresses, taken);
    }

    /**
     * Takes a block of its own mapping, all of it in the slot's root; null if the limit is reached or the operating system
     * has no memory.
     */
    Slot takeHuge(int size) {
        int capacity = SizeClass.hugeCapacity(size);
        Slot ready = shelves.takeOne(Thread.currentThread(), SizeClass.HUGE, capacity);
        if (ready != null) {
            return ready;
        }
        return takeHuge(capacity, block -> pool.takeHuge(size, block));
    }

    /** A slot for one who waits, counted as past all magazines; null if it is not his turn, or there is no room. */
    Slot takeInLine(int sizeClass, int bytes, long place) {
        StackRoom.ensure();
        Slot[] one = new Slot[1];
        if (sizeClass == SizeClass.HUGE) {
            one[0] = takeHuge(bytes, block -> pool.takeInLine(bytes, place, block));
        } else {
            takeBlocks(sizeClass, one, 1, block -> pool.takeInLine(bytes, place, block));
        }
        if (one[0] != null) {
            core.countDirect(1, 0);
        }
        return one[0];
    }

    private Slot takeHuge(int capacity, ToIntFunction<long[]> take) {
        StackRoom.ensure();
        ByteBuffer[] root = new ByteBuffer[1];
        long[] address = new long[1];
        Slot slot = null;
        try {
            int result = take.applyAsInt(address);
            if (result < 0) {
                none(result);
                return null;
            }
            NativePool.newBuffers(address, 1, capacity, root);
            slot = newSlot(root[0], address[0], SizeClass.HUGE);
            slot.watch.held = true;
            return slot;
        } catch (Throwable e) {
            if (slot != null) {
                slot.watch.held = false;
            }
            if (address[0] != 0) {
                pool.giveOne(SizeClass.HUGE, address[0]);
            }
            throw e;
        }
    }

    /** Gives the slots of a class away: to a shelf, or where there is no room to the native library, as below. */
    void give(int sizeClass, Slot[] slots, int from, int to, long[] addresses) {
        if (core.isBypassed() || !shelves.put(Thread.currentThread(), sizeClass, slots, from, to)) {
            giveBlocks(sizeClass, slots, from, to, addresses);
        }
    }

    /**
     * Gives the blocks of slots of a class to the native library. A slot is parked before its block leaves, because
     * whoever gets the block next looks for it at once.
     *
     * <p>The caller has the slots nowhere any more, and made {@code addresses} beforehand, with room for as many: a full Java
     * heap is nothing to this. After another error the garbage collector finds what was not given.
     */
    void giveBlocks(int sizeClass, Slot[] slots, int from, int to, long[] addresses) {
        int ready = 0;
        try {
            for (int i = from; i < to; i++) {
                addresses[ready] = slots[i].watch.address;
                slots[i].watch.held = false;
                ready++;
            }
            if (!core.isClosed()) {
                table.park(slots, from, to);
            }
        } finally {
            pool.give(sizeClass, addresses, ready);
        }
        core.cameBack();
    }

    /** One slot, past all magazines and counted as that; null if the limit is reached. */
    Slot takeOne(int sizeClass) {
        Slot[] one = new Slot[1];
        if (take(sizeClass, one, 1) == 0) {
            return null;
        }
        core.countDirect(1, 0);
        return one[0];
    }

    /** Gives one slot away, past all magazines and counted as that. */
    void putOne(Slot slot) {
        giveOne(slot);
        core.countDirect(0, 1);
    }

    /** Gives one slot away, whatever its class. */
    void giveOne(Slot slot) {
        if (!core.isBypassed() && shelves.putOne(Thread.currentThread(), slot)) {
            return;
        }
        giveBlock(slot);
    }

    /** Gives the blocks of slots of a class, or huge ones, to the native library; {@code addresses} is for a batch. */
    void giveAll(int sizeClass, Slot[] slots, long[] addresses) {
        if (sizeClass == SizeClass.HUGE) {
            for (Slot slot : slots) {
                giveBlock(slot);
            }
            return;
        }
        int batch = SizeClass.batch(sizeClass);
        for (int from = 0; from < slots.length; from += batch) {
            giveBlocks(sizeClass, slots, from, Math.min(slots.length, from + batch), addresses);
        }
    }

    private void giveBlock(Slot slot) {
        if (slot.sizeClass == SizeClass.HUGE) {
            giveBare(slot);
        } else {
            StackRoom.ensure();
            giveBlocks(slot.sizeClass, new Slot[] {slot}, 0, 1, new long[1]);
        }
    }

    /** Gives the block of a slot to the native library and forgets the slot, which needs no Java heap. */
    void giveBare(Slot slot) {
        StackRoom.ensure();
        slot.watch.held = false;
        pool.giveOne(slot.sizeClass, slot.address());
        core.cameBack();
    }

    /** Gives the block of a root that was collected away. Needs no Java heap. */
    void giveForgotten(Watch watch) {
        StackRoom.ensure();
        watch.held = false;
        pool.giveOne(watch.sizeClass, watch.address);
        core.cameBack();
    }

    Shelves shelves() {
        return shelves;
    }

    boolean isClosed() {
        return core.isClosed();
    }

    boolean isBypassed() {
        return core.isBypassed();
    }

    void ensureOpen() {
        core.ensureOpen();
    }

    private int none(int code) {
        if (code == NativePool.CLOSED) {
            throw core.closedException();
        }
        core.refusedBy(NativePool.systemError(code));
        return 0;
    }

    private void makeMissing(long[] addresses, int count, int missing, int sizeClass, Slot[] into) {
        long[] bare = new long[missing];
        int found = 0;
        for (int i = 0; i < count; i++) {
            if (into[i] == null) {
                bare[found++] = addresses[i];
            }
        }
        ByteBuffer[] roots = new ByteBuffer[missing];
        NativePool.newBuffers(bare, missing, SizeClass.size(sizeClass), roots);
        int made = 0;
        for (int i = 0; i < count; i++) {
            if (into[i] == null) {
                into[i] = newSlot(roots[made++], addresses[i], sizeClass);
            }
        }
    }

    private Slot newSlot(ByteBuffer root, long address, int sizeClass) {
        Watch watch = new Watch(core, address, sizeClass);
        Slot slot = new Slot(root, watch);
        Housekeeper.CLEANER.register(root, watch);
        return slot;
    }
}
