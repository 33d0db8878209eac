package io.millpond.netty;

import io.millpond.BufferPool;
import io.millpond.NativeLibrary;
import io.millpond.internal.Block;
import io.millpond.internal.BlockSource;
import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetric;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import java.lang.ref.Reference;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;

/**
 * Netty's direct buffers from a {@link BufferPool}.
 *
 * <pre>{@code
 * new ServerBootstrap()
 *         .option(ChannelOption.ALLOCATOR, MillpondByteBufAllocator.DEFAULT)
 *         .childOption(ChannelOption.ALLOCATOR, MillpondByteBufAllocator.DEFAULT)
 * }</pre>
 *
 * <p>{@code buffer()} and {@code ioBuffer()} give direct buffers. Heap buffers are plain arrays, as those of
 * {@code UnpooledByteBufAllocator}: a pool of arrays would be heap that never comes back. An application that asks for many
 * large {@code heapBuffer()}s loses their recycling, as one with the JDK's TLS does; one that asks for few wins the heap that
 * the pool would have held.
 *
 * <p>A buffer that is never released comes back when the garbage collector finds it, and the pool's
 * {@link io.millpond.PoolStats#forgottenBuffers()} counts it; Netty's leak detector works as with its own allocators.
 *
 * <p>After its last release a direct {@code ByteBuf} refuses access until its block is handed out again. Then the object is
 * the next owner's buffer, as a recycled one of Netty's would be: whoever kept it reads, writes and releases what is not his.
 * Slices and duplicates, retained or not, share the reference count of their buffer.
 *
 * <p>When the pool has no memory to give, be it at its limit or closed, a {@link PoolOutOfMemoryError} is thrown.
 *
 * <p>Threading: every method may be called from any thread, an event loop's or another; so may a buffer's release.
 */
public final class MillpondByteBufAllocator extends AbstractByteBufAllocator implements ByteBufAllocatorMetricProvider {
    /**
     * Over {@link BufferPool#shared()}. Without the native library it is there as well, and refuses every direct buffer with a
     * {@link PoolOutOfMemoryError} that says what was tried.
     */
    public static final MillpondByteBufAllocator DEFAULT =
            NativeLibrary.isAvailable() ? new MillpondByteBufAllocator(BufferPool.shared()) : new MillpondByteBufAllocator();

    /** Null without the native library, like the source of blocks. Kept, because a pool that is dropped is closed. */
    private final BufferPool pool;
    private final BlockSource source;
    private final boolean zeroing;
    private final LongAdder heapBytes = new LongAdder();
    private final ByteBufAllocatorMetric metric = new Metric();

    /**
     * Makes an allocator over a pool.
     *
     * @param pool the pool; it stays the caller's to close
     * @throws NullPointerException if it is null
     */
    public MillpondByteBufAllocator(BufferPool pool) {
        super(true);
        this.pool = Objects.requireNonNull(pool, "pool is null, must be a pool; for the shared one take DEFAULT");
        this.source = BlockSource.of(pool);
        this.zeroing = source.isZeroing();
    }

    /** Without the native library. */
    private MillpondByteBufAllocator() {
        super(true);
        this.pool = null;
        this.source = null;
        this.zeroing = false;
    }

    /**
     * The allocator to install on machines of which not all have the native library.
     *
     * @param fallback for those that have not, for example {@link ByteBufAllocator#DEFAULT}
     * @return {@link #DEFAULT} if the library is available, otherwise {@code fallback}
     */
    public static ByteBufAllocator orElse(ByteBufAllocator fallback) {
        Objects.requireNonNull(fallback, "fallback is null, must be an allocator; for none take DEFAULT");
        return NativeLibrary.isAvailable() ? DEFAULT : fallback;
    }

    /**
     * The pool behind this, for its statistics, {@code trim()} and the rest.
     *
     * @return always the same pool
     * @throws UnsatisfiedLinkError if the native library cannot be loaded
     */
    public BufferPool pool() {
        return pool != null ? pool : BufferPool.shared();
    }

    @Override
    public boolean isDirectBufferPooled() {
        return true;
    }

    /**
     * Bytes in use, each figure as exact as its source: {@code usedDirectMemory()} is the size of all blocks that are out
     * of the {@linkplain #pool() pool}, whoever took them; {@code usedHeapMemory()} is the size of all arrays of this
     * allocator's live heap buffers.
     *
     * @return always the same object, whose figures are those of the moment
     */
    @Override
    public ByteBufAllocatorMetric metric() {
        return metric;
    }

    @Override
    protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
        return toLeakAwareBuffer(new HeapBuffer(this, initialCapacity, maxCapacity));
    }

    @Override
    protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
        DirectBuffer buffer = take(initialCapacity);
        try {
            buffer.begin(initialCapacity, maxCapacity);
            if (zeroing) {
                buffer.setZero(0, initialCapacity);
            }
            return toLeakAwareBuffer(buffer);
        } catch (Throwable e) {
            buffer.abandon();
            throw e;
        }
    }

    /** A buffer that rests, in a block of at least so many bytes. */
    DirectBuffer take(int size) {
        Block block = block(size);
        try {
            return DirectBuffer.in(block, this);
        } catch (Throwable e) {
            give(block);
            throw e;
        }
    }

    private Block block(int size) {
        if (source == null) {
            throw new PoolOutOfMemoryError(NativeLibrary.unavailabilityCause());
        }
        Block block;
        try {
            block = source.take(size);
        } catch (IllegalStateException closed) {
            throw new PoolOutOfMemoryError(closed);
        }
        Reference.reachabilityFence(this);
        if (block == null) {
            throw new PoolOutOfMemoryError(source.exhausted(size));
        }
        return block;
    }

    void give(Block block) {
        source.give(block);
    }

    boolean isZeroing() {
        return zeroing;
    }

    void countHeap(int bytes) {
        heapBytes.add(bytes);
    }

    @Override
    public String toString() {
        return "MillpondByteBufAllocator[" + (pool == null ? "without the native library" : pool) + "]";
    }

    private final class Metric implements ByteBufAllocatorMetric {
        @Override
        public long usedHeapMemory() {
            return heapBytes.sum();
        }

        @Override
        public long usedDirectMemory() {
            return pool == null ? 0 : pool.stats().usedBytes();
        }

        @Override
        public String toString() {
            return "usedHeapMemory: " + usedHeapMemory() + ", usedDirectMemory: " + usedDirectMemory();
        }
    }
}
