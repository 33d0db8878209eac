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
    /**
     * Whether the block is this root's to give back: not before its slot is complete, nor from when the block is on its way
     * to the native library, where whoever gets it may make another root, until slot and block meet again. Written by who
     * holds the block; ordered by the garbage collector.
     */
    boolean held;
    /** The one below it in {@link Forgotten}. */
    Watch next;

    Watch(PoolCore core, long address, int sizeClass) {
        this.core = core;
        this.address = address;
        this.sizeClass = sizeClass;
    }

    @Override
    public void run() {
        if (held) {
            core.forgot(this);
        }
    }
}
