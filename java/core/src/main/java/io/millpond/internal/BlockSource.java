package io.millpond.internal;

import io.millpond.BufferPool;
import io.millpond.PoolExhaustedException;
import java.util.function.Function;

/**
 * A pool as its adapters see it: blocks come without a handle, so nothing is made on the Java heap for each, and nothing
 * tells a second release from a first. Whoever uses this counts references of its own.
 *
 * <p>A block that is dropped without being given back is found by the garbage collector, as a forgotten buffer is.
 *
 * <p>Threading: every method may be called from any thread.
 */
public abstract class BlockSource {
    private static Function<BufferPool, BlockSource> opener;

    /** For the pool only. */
    protected BlockSource() {
    }

    /**
     * The blocks of a pool. They do not keep the pool reachable, and a pool that is dropped is closed: whoever has this
     * must have the pool as well.
     *
     * @param pool the pool
     * @return its blocks, always the same object
     */
    public static BlockSource of(BufferPool pool) {
        // There is a pool, so its class has left its opener here.
        return opener.apply(pool);
    }

    /**
     * Called once, by the pool's class.
     *
     * @param opener what {@link #of} does
     * @throws IllegalStateException if somebody else calls
     */
    public static void setOpener(Function<BufferPool, BlockSource> opener) {
        if (BlockSource.opener != null) {
            throw new IllegalStateException("the pool has said already how its blocks are had; use BlockSource.of()");
        }
        BlockSource.opener = opener;
    }

    /**
     * Takes a block, whose contents are whatever was there before, also if the pool fills its buffers with zeros.
     *
     * @param size bytes, from 0 on; the block may be larger
     * @return a block to be given back once; null if the limit is reached, or the operating system has no memory
     * @throws IllegalStateException if the pool is closed
     */
    public abstract Block take(int size);

    /**
     * Gives a block back, also if the pool was closed.
     *
     * @param block one that was taken from this and not given back since
     */
    public abstract void give(Block block);

    /**
     * Whether the pool's buffers are to be filled with zeros.
     *
     * @return true if whoever takes a block must fill it
     */
    public abstract boolean isZeroing();

    /**
     * What to throw, or to cite, when {@link #take} gave nothing.
     *
     * @param size bytes that were asked for
     * @return an exception that says who holds the memory
     */
    public abstract PoolExhaustedException exhausted(int size);
}
