package io.millpond;

import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A pool of direct buffers, outside the Java heap and outside the garbage collector's view.
 *
 * <pre>{@code
 * try (BufferPool pool = BufferPool.builder().name("ingest").maxMemory(512 << 20).build()) {
 *     PooledBuffer buffer = pool.allocate(16 * 1024);
 *     try {
 *         channel.read(buffer.byteBuffer());
 *     } finally {
 *         buffer.release();
 *     }
 * }
 * }</pre>
 *
 * <p>Buffers are ordinary direct {@link java.nio.ByteBuffer}s. What is released is kept for the next allocation for a while
 * (the decay time), and goes back to the operating system after that, without any traffic being needed for it. At most
 * {@code maxMemory} bytes are taken from the operating system at any time; beyond that allocations fail at once, with a
 * report of who holds the memory.
 *
 * <p>Threading: every method may be called from any thread, platform or virtual.
 */
public final class BufferPool implements AutoCloseable {
    private final PoolCore core;
    private final boolean shared;

    private BufferPool(String name, Builder builder, boolean shared) {
        NativeLibrary.ensureAvailability();
        this.core = new PoolCore(name, builder.maxMemory, builder.decay, builder.threadCacheBytes, builder.zeroing);
        this.shared = shared;
        Housekeeper.add(core);
        Housekeeper.CLEANER.register(this, abandonment(core));
    }

    /** Not a lambda in the constructor: that would keep {@code this} reachable. */
    private static Runnable abandonment(PoolCore core) {
        return core::abandon;
    }

    /** Made when it is first asked for. */
    private static final class Shared {
        static final BufferPool POOL = new BufferPool("shared", builder(), true);
    }

    /**
     * The pool of the process, with the defaults of {@link #builder()}, named "shared". Closing it has no effect.
     *
     * @return always the same pool
     * @throws UnsatisfiedLinkError if the native library cannot be loaded, see {@link NativeLibrary}
     */
    public static BufferPool shared() {
        NativeLibrary.ensureAvailability();
        return Shared.POOL;
    }

    /**
     * Begins a pool of its own.
     *
     * @return a builder with all defaults
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Allocates a buffer whose contents are whatever was there before, unless the pool was built with
     * {@link Builder#zeroing(boolean) zeroing}.
     *
     * @param size bytes, from 0 on; the buffer's capacity will be exactly this
     * @return a buffer to be released once
     * @throws IllegalArgumentException if {@code size} is negative
     * @throws PoolExhaustedException if the limit is reached, or the operating system has no memory
     * @throws IllegalStateException if the pool is closed
     */
    public PooledBuffer allocate(int size) {
        PooledBuffer buffer = core.allocate(size);
        Reference.reachabilityFence(this);
        if (buffer == null) {
            throw core.exhausted(size);
        }
        return buffer;
    }

    /**
     * As {@link #allocate(int)}, for callers that have something else to do when there is no memory.
     *
     * @param size bytes, from 0 on
     * @return a buffer to be released once; null if the limit is reached, or the operating system has no memory
     * @throws IllegalArgumentException if {@code size} is negative
     * @throws IllegalStateException if the pool is closed
     */
    public PooledBuffer tryAllocate(int size) {
        PooledBuffer buffer = core.allocate(size);
        Reference.reachabilityFence(this);
        return buffer;
    }

    /**
     * As {@link #allocate(int)}, filled with zeros.
     *
     * @param size bytes, from 0 on
     * @return a buffer to be released once
     * @throws IllegalArgumentException if {@code size} is negative
     * @throws PoolExhaustedException if the limit is reached, or the operating system has no memory
     * @throws IllegalStateException if the pool is closed
     */
    public PooledBuffer allocateZeroed(int size) {
        PooledBuffer buffer = allocate(size);
        if (!core.isZeroing()) {
            Zeros.fill(buffer.byteBuffer());
        }
        return buffer;
    }

    /**
     * What the pool holds and did. Also after {@link #close()}.
     *
     * @return a snapshot
     */
    public PoolStats stats() {
        PoolStats stats = core.stats();
        Reference.reachabilityFence(this);
        return stats;
    }

    /**
     * Gives all free memory back to the operating system now, whichever thread's cache it is in. There is no need to call
     * this: idle memory goes back by itself within some decay times.
     *
     * @return bytes that went back
     */
    public long trim() {
        long bytes = core.trim();
        Reference.reachabilityFence(this);
        return bytes;
    }

    /**
     * Refuses new buffers from now on and gives all free memory back at once. Buffers that are out stay valid; their memory
     * goes back as they are released. That some are out is logged as a warning, with their count and bytes.
     *
     * <p>A second call has no effect, and neither has one on {@link #shared()}.
     */
    @Override
    public void close() {
        if (!shared) {
            core.close();
        }
        Reference.reachabilityFence(this);
    }

    @Override
    public String toString() {
        return "BufferPool[" + stats() + "]";
    }

    /**
     * Options of a pool, all with defaults that suit a service in a container.
     *
     * <p>Threading: for one thread.
     */
    public static final class Builder {
        private static final AtomicInteger COUNT = new AtomicInteger();
        private static final int NAME_MAX = 64;
        private static final long MEMORY_MIN = 64 * 1024;
        private static final Duration DECAY_MAX = Duration.ofHours(1);
        private static final long THREAD_CACHE_MAX = 64L << 20;

        private String name;
        private long maxMemory = Runtime.getRuntime().maxMemory();
        private Duration decay = Duration.ofSeconds(1);
        private long threadCacheBytes = 1 << 20;
        private boolean zeroing;

        private Builder() {
        }

        /**
         * The name, in messages, in {@link PoolStats}, and (where the kernel can) in {@code pmap}. By default "pool-1",
         * "pool-2" and so on.
         *
         * @param name 1 to 64 bytes in UTF-8
         * @return this
         * @throws NullPointerException if it is null
         * @throws IllegalArgumentException if it is empty or too long
         */
        public Builder name(String name) {
            Objects.requireNonNull(name, "name is null, must be a string of 1 to 64 bytes; leave name() out for a default");
            int bytes = name.getBytes(StandardCharsets.UTF_8).length;
            if (bytes == 0 || bytes > NAME_MAX) {
                throw new IllegalArgumentException("name '" + name + "' has " + bytes + " bytes, must have 1 to " + NAME_MAX
                        + "; choose another");
            }
            this.name = name;
            return this;
        }

        /**
         * The most memory that the pool ever has from the operating system, buffers and caches together. By default what
         * {@link Runtime#maxMemory()} says, as for the JDK's direct buffers.
         *
         * @param bytes 64 KiB or more
         * @return this
         * @throws IllegalArgumentException if it is less
         */
        public Builder maxMemory(long bytes) {
            if (bytes < MEMORY_MIN) {
                throw new IllegalArgumentException("maxMemory is " + bytes + " bytes, must be at least " + MEMORY_MIN
                        + "; give the pool at least what its live buffers need");
            }
            this.maxMemory = bytes;
            return this;
        }

        /**
         * How long released memory is kept before it goes back to the operating system, and how long a thread must not use
         * the pool until its cache is emptied. By default one second.
         *
         * @param decay zero (at the next opportunity) to one hour
         * @return this
         * @throws NullPointerException if it is null
         * @throws IllegalArgumentException if it is out of that range
         */
        public Builder decay(Duration decay) {
            Objects.requireNonNull(decay, "decay is null, must be zero to one hour; leave decay() out for the default");
            if (decay.isNegative() || decay.compareTo(DECAY_MAX) > 0) {
                throw new IllegalArgumentException("decay is " + decay + ", must be from zero to " + DECAY_MAX
                        + "; for memory that is never to go back, choose the longest");
            }
            this.decay = decay;
            return this;
        }

        /**
         * How much free memory one thread may keep at hand, on both sides of JNI together. By default 1 MiB.
         *
         * @param bytes 0 to 64 MiB
         * @return this
         * @throws IllegalArgumentException if it is out of that range
         */
        public Builder threadCacheBytes(long bytes) {
            if (bytes < 0 || bytes > THREAD_CACHE_MAX) {
                throw new IllegalArgumentException("threadCacheBytes is " + bytes + ", must be from 0 to " + THREAD_CACHE_MAX
                        + "; 1048576 suits most");
            }
            this.threadCacheBytes = bytes;
            return this;
        }

        /**
         * Whether every buffer is filled with zeros before it is handed out, as the JDK's are. By default it is not: its
         * contents are what was there before, perhaps data of another part of this process.
         *
         * @param zeroing true for zeros
         * @return this
         */
        public Builder zeroing(boolean zeroing) {
            this.zeroing = zeroing;
            return this;
        }

        /**
         * Makes the pool.
         *
         * @return a new pool
         * @throws UnsatisfiedLinkError if the native library cannot be loaded, see {@link NativeLibrary}
         */
        public BufferPool build() {
            return new BufferPool(name != null ? name : "pool-" + COUNT.incrementAndGet(), this, false);
        }
    }
}
