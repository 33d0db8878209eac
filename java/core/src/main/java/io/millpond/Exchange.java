package io.millpond;

import java.nio.ByteBuffer;

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
    /** For the address of a forgotten block. */
    private final long[] forgotten = new long[1];

    Exchange(PoolCore core, NativePool pool, SlotTable table) {
        this.core = core;
        this.pool = pool;
        this.table = table;
    }

    /**
     * Takes up to {@code count} slots of a class into the first places of {@code into}.
     *
     * @param shared past the native cache of this thread
     * @return how many; 0 if the limit is reached or the operating system has no memory
     * @throws IllegalStateException if the pool is closed
     * @throws OutOfMemoryError if the Java heap has no room for a buffer object
     */
    int take(boolean shared, int sizeClass, Slot[] into, int count) {
        int ready = shelves.take(Thread.currentThread(), sizeClass, into, count);
        if (ready > 0) {
            return ready;
        }
        long[] addresses = new long[count];
        int taken = pool.take(shared, sizeClass, addresses, count);
        if (taken < 0) {
            return none(taken);
        }
        try {
            int missing = table.take(addresses, taken, sizeClass, into);
            if (missing > 0) {
                makeMissing(addresses, taken, missing, sizeClass, into);
            }
        } catch (Throwable e) {
            giveUp(addresses, taken, sizeClass, into);
            throw e;
        }
        return taken;
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
        long address = pool.takeHuge(size);
        if (address < 0) {
            none((int) address);
            return null;
        }
        try {
            ByteBuffer[] root = new ByteBuffer[1];
            NativePool.newBuffers(new long[] {address}, 1, capacity, root);
            return newSlot(root[0], address, SizeClass.HUGE);
        } catch (Throwable e) {
            pool.giveHuge(address);
            throw e;
        }
    }

    /** Gives the slots of a class away: to a shelf, or where there is no room to the native library. */
    void give(boolean shared, int sizeClass, Slot[] slots, int from, int to) {
        if (core.isClosed() || !shelves.put(Thread.currentThread(), sizeClass, slots, from, to)) {
            giveBlocks(shared, sizeClass, slots, from, to);
        }
    }

    /**
     * Gives the blocks of slots of a class to the native library. A slot is parked before its block leaves, because
     * whoever gets the block next looks for it at once.
     */
    void giveBlocks(boolean shared, int sizeClass, Slot[] slots, int from, int to) {
        long[] addresses = new long[to - from];
        boolean closed = core.isClosed();
        for (int i = from; i < to; i++) {
            addresses[i - from] = slots[i].address();
            if (closed) {
                slots[i].drop();
            }
        }
        if (!closed) {
            table.park(slots, from, to);
        }
        pool.give(shared, sizeClass, addresses, to - from);
    }

    /** One slot, past all magazines and counted as that; null if the limit is reached. */
    Slot takeOne(int sizeClass) {
        Slot[] one = new Slot[1];
        if (take(true, sizeClass, one, 1) == 0) {
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
        if (!core.isClosed() && shelves.putOne(Thread.currentThread(), slot)) {
            return;
        }
        giveBlock(slot);
    }

    /** Gives the blocks of slots of a class, or huge ones, to the native library. */
    void giveAll(int sizeClass, Slot[] slots) {
        if (sizeClass == SizeClass.HUGE) {
            for (Slot slot : slots) {
                giveBlock(slot);
            }
            return;
        }
        int batch = SizeClass.batch(sizeClass);
        for (int from = 0; from < slots.length; from += batch) {
            giveBlocks(true, sizeClass, slots, from, Math.min(slots.length, from + batch));
        }
    }

    private void giveBlock(Slot slot) {
        if (slot.sizeClass == SizeClass.HUGE) {
            slot.drop();
            pool.giveHuge(slot.address());
        } else {
            giveBlocks(true, slot.sizeClass, new Slot[] {slot}, 0, 1);
        }
    }

    /** Gives the block of a root that was collected away; for one caller at a time. Needs no Java heap. */
    void giveForgotten(Watch watch) {
        if (watch.sizeClass == SizeClass.HUGE) {
            pool.giveHuge(watch.address);
        } else {
            forgotten[0] = watch.address;
            pool.give(true, watch.sizeClass, forgotten, 1);
        }
    }

    Shelves shelves() {
        return shelves;
    }

    boolean isClosed() {
        return core.isClosed();
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

    private void giveUp(long[] addresses, int count, int sizeClass, Slot[] into) {
        for (int i = 0; i < count; i++) {
            if (into[i] != null) {
                into[i].drop();
                into[i] = null;
            }
        }
        pool.give(true, sizeClass, addresses, count);
    }
}
