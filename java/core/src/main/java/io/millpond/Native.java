package io.millpond;

import java.nio.ByteBuffer;

/**
 * Every native method, and nothing else. {@link NativePool} is the only caller of those that take a pool.
 *
 * <p>A negative number returned by {@code take}, {@code takeShared}, {@code takeHuge}, {@code give}, {@code giveShared},
 * {@code giveHuge}, {@code takeChecked} or {@code giveChecked} is an error code, see {@link NativePool}. Those throw
 * nothing; the others throw what their arguments deserve.
 */
final class Native {
    private Native() {
    }

    /** Version of the library. */
    static native String version();

    /** Changes whenever a method here does. */
    static native int abi();

    /** Writes block size and batch of every size class; returns how many classes there are. */
    static native int sizeClasses(int[] sizes, int[] batches);

    /** Makes every running thread of the process pass a full memory barrier; false where the kernel cannot. */
    static native boolean membarrier();

    /** Parent is a pool, or 0. */
    static native long createPool(String name, long maxBytes, long decayNanos, long threadCacheBytes, long parent,
            boolean checked);

    static native void destroyPool(long pool);

    /** Returns the bytes still out. */
    static native long closePool(long pool);

    /** Returns the bytes given back to the operating system. */
    static native long trim(long pool);

    /** Writes the figures in the order of the constants of {@link NativePool}; returns how many there are. */
    static native int stats(long pool, long[] into);

    static native void tick(long pool, long nowNanos);

    /** Takes up to {@code count} blocks through the cache of this thread; returns how many. */
    static native int take(long pool, int sizeClass, long[] addresses, int count);

    /** Gives blocks back through the cache of this thread; returns how many were refused. */
    static native int give(long pool, int sizeClass, long[] addresses, int count);

    /** As {@link #take}, past the cache of this thread. */
    static native int takeShared(long pool, int sizeClass, long[] addresses, int count);

    /** As {@link #give}, past the cache of this thread. */
    static native int giveShared(long pool, int sizeClass, long[] addresses, int count);

    /** Returns the address of a block with a mapping of its own. */
    static native long takeHuge(long pool, long size);

    static native int giveHuge(long pool, long address);

    /** Returns the address of a block of a checked pool, of whatever size. */
    static native long takeChecked(long pool, long size);

    /** Takes it back. */
    static native int giveChecked(long pool, long address);

    /** What was found in a pool since the last call, a sentence each; {@code addresses} gets those of the blocks. */
    static native String[] reports(long pool, long[] addresses);

    /** Makes a direct buffer of {@code capacity} bytes over each of the addresses, into the same places. */
    static native void newBuffers(long[] addresses, int from, int count, long capacity, ByteBuffer[] into);
}
