package io.millpond;

/**
 * What the {@code Cleaner} runs when a root buffer cannot be reached any more. It knows the block, and never the slot or
 * the buffer: those must become unreachable for it to run.
 *
 * <p>As long as a root lives, its watch is reachable (from the {@code Cleaner}), and so is the native pool. That is what
 * keeps the memory mapped under every buffer that can still be looked at.
 *
 * <p>Threading: {@code run} is called once, by the {@code Cleaner}'s thread.
 */
class Watch implements Runnable {
    final PoolCore core;
    final long address;
    final int sizeClass;
    /** The block is not this root's any more: its slot was dropped, and whoever gets the block makes another root. */
    volatile boolean dropped;
    /** The one below it in {@link Forgotten}. */
    Watch next;

    Watch(PoolCore core, long address, int sizeClass) {
        this.core = core;
        this.address = address;
        this.sizeClass = sizeClass;
    }

    @Override
    public void run() {
        if (!dropped) {
            core.forgot(this);
        }
    }
}
