package io.millpond;

import java.nio.ByteBuffer;

/**
 * Every native method, and nothing else. {@link NativePool} is the only caller of those that take a pool.
 *
 * <p>None throws anything, but for what the JVM has to say on its own: that the stack is at its end, or the Java heap full.
 * A negative number is a code of {@link NativePool}'s.
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

    /** How many bytes of stack this thread has left, about. */
    static native long stackLeft();

    /** Returns a pool. The options are in their ranges, the name in UTF-8; the parent is a pool, or 0. */
    static native long createPool(byte[] name, long maxBytes, long decayNanos, long parent, boolean checked);

    static native int destroyPool(long pool);

    /** Returns the bytes still out. */
    static native long closePool(long pool);

    /** Returns the bytes given back to the operating system. */
    static native long trim(long pool);

    /** Writes the figures in the order of the constants of {@link NativePool}; returns how many there are. */
    static native int stats(long pool, long[] into);

    static native int tick(long pool, long nowNanos);

    /** Takes up to {@code count} blocks; returns how many. */
    static native int take(long pool, int sizeClass, long[] addresses, int count);

    /** Gives blocks back; returns how many were refused. */
    static native int give(long pool, int sizeClass, long[] addresses, int count);

    /** As {@link #give}, one block. */
    static native int giveOne(long pool, int sizeClass, long address);

    /** Takes a block with a mapping of its own; returns 0. */
    static native int takeHuge(long pool, long size, long[] address);

    static native int giveHuge(long pool, long address);

    /** Takes a block of a checked pool, of whatever size; returns 0. */
    static native int takeChecked(long pool, long size, long[] address);

    /** Takes it back. */
    static native int giveChecked(long pool, long address);

    /** Joins the line of those who wait for a block of so many bytes; returns the place. */
    static native long joinLine(long pool, long bytes);

    static native int leaveLine(long pool, long place);

    /** Returns 1 if the one at that place was called since this was last asked. */
    static native int isCalled(long pool, long place);

    /** Writes the address of a block of so many bytes, for the one at that place; returns 1. */
    static native int takeInLine(long pool, long bytes, long place, long[] address);

    /**
     * Writes what was found in a pool since the last call, a line each in UTF-8: the address of the block, a space, a
     * sentence. Returns how many bytes these are.
     */
    static native int reports(long pool, byte[] into);

    /**
     * Makes a direct buffer of {@code capacity} bytes over each of the addresses, into the same places; returns how many. If
     * it throws, there are some.
     */
    static native int newBuffers(long[] addresses, int count, long capacity, ByteBuffer[] into);
}
