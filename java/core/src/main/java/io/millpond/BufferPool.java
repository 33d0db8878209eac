package io.millpond;

import io.millpond.internal.BlockSource;
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
    static {
        BlockSource.setOpener(pool -> pool.core);
    }

    private final PoolCore core;
    private final boolean shared;

    private BufferPool(PoolOptions options, boolean shared) {
        NativeLibrary.ensureAvailability();
        Rehearsal.ensure();
        StackRoom.ensure();
        this.core = new PoolCore(options);
        this.shared = shared;
        Housekeeper.add(core);
        new Abandonment(this);
    }

    /** What is noticed of a pool that was dropped. */
    private static final class Abandonment extends Ending {
        private final PoolCore core;

        private Abandonment(BufferPool pool) {
            super(pool);
            this.core = pool.core;
        }

        @Override
        void happen() {
            core.abandon();
        }
    }

    /** Made when it is first asked for. */
    private static final class Shared {
        static final BufferPool POOL = new BufferPool(builder().options("shared"), true);
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
     * As {@link #allocate(int)}, waiting for room where the limit is reached. A virtual thread does not hold its carrier
     * meanwhile.
     *
     * <p>Those who wait for the same limit, this pool's or an ancestor's, are served first come first. Others may be served
     * before the one who has waited longest, waiting or not, if there is room for what they want and not for him: 64 times.
     * Then nothing is handed out under that limit to those who came later, until he was served or gave up. So nobody starves
     * where buffers are released; but a wait for much, with a long timeout, where they are not, makes others fail. While
     * somebody waits every allocation and release of the pool and its relatives goes past all caches, so this is for pools
     * that reach their limit now and then and not for most of the time. A request above the limit fails at once.
     *
     * @param size bytes, from 0 on
     * @param timeout the longest to wait, from zero on
     * @return a buffer to be released once
     * @throws NullPointerException if {@code timeout} is null
     * @throws IllegalArgumentException if {@code size} or {@code timeout} is negative
     * @throws PoolExhaustedException if there was no room in time
     * @throws IllegalStateException if the pool is closed, before or meanwhile
     * @throws InterruptedException if the thread is interrupted while it has to wait
     */
    public PooledBuffer allocate(int size, Duration timeout) throws InterruptedException {
        Objects.requireNonNull(timeout, "timeout is null, must be a duration; use allocate(int) not to wait");
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("timeout is " + timeout + ", must not be negative; zero does not wait");
        }
        boolean forEver = timeout.compareTo(Duration.ofNanos(Long.MAX_VALUE)) >= 0;
        PooledBuffer buffer = core.allocate(size, forEver ? Long.MAX_VALUE : timeout.toNanos());
        Reference.reachabilityFence(this);
        if (buffer == null) {
            throw core.exhausted(size, timeout.isZero() ? null : timeout);
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

    PoolCore core() {
        return core;
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
        private static final int ALIGNMENT_MIN = 64;
        private static final int ALIGNMENT_MAX = 4096;
        private static final String CHECKED_PROPERTY = "io.millpond.checked";

        private String name;
        private long maxMemory = Runtime.getRuntime().maxMemory();
        private Duration decay = Duration.ofSeconds(1);
        private long threadCacheBytes = 8 << 20;
        private boolean zeroing;
        private int alignment = ALIGNMENT_MIN;
        private boolean checked = Boolean.getBoolean(CHECKED_PROPERTY);
        private BufferPool parent;

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
         * How much free memory one thread may keep at hand, on both sides of JNI together; it takes as much as it has use
         * for, not more than about a thirty-second of {@link #maxMemory}, and all threads together not more than a quarter.
         * What it has no use for any more goes back with the {@link #decay} time. By default 8 MiB.
         *
         * @param bytes 0 to 64 MiB
         * @return this
         * @throws IllegalArgumentException if it is out of that range
         */
        public Builder threadCacheBytes(long bytes) {
            if (bytes < 0 || bytes > THREAD_CACHE_MAX) {
                throw new IllegalArgumentException("threadCacheBytes is " + bytes + ", must be from 0 to " + THREAD_CACHE_MAX
                        + "; 8388608 suits most");
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
         * What the address of every buffer is a multiple of. By default 64; files that are opened for direct I/O
         * ({@code ExtendedOpenOption.DIRECT}) want the block size of their file store, 512 or 4096. What is not a multiple
         * of the alignment takes the memory of the next size that is.
         *
         * @param bytes a power of two from 64 to 4096
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder alignment(int bytes) {
            if (bytes < ALIGNMENT_MIN || bytes > ALIGNMENT_MAX || Integer.bitCount(bytes) != 1) {
                throw new IllegalArgumentException("alignment is " + bytes + ", must be a power of two from " + ALIGNMENT_MIN
                        + " to " + ALIGNMENT_MAX + "; 4096 suits every file store");
            }
            this.alignment = bytes;
            return this;
        }

        /**
         * A pool whose limit counts as well: what the new pool has from the operating system, its parent has too. At the
         * parent's limit the free memory of the whole family is used before an allocation fails. By default there is none.
         *
         * <p>Closing the parent neither closes its children nor keeps them from allocating; its limit goes on counting. A
         * parent that only its children refer to is not taken for forgotten.
         *
         * @param parent a pool that is open
         * @return this
         * @throws NullPointerException if it is null
         */
        public Builder parent(BufferPool parent) {
            this.parent = Objects.requireNonNull(parent, "parent is null, must be a pool; leave parent() out for none");
            return this;
        }

        /**
         * Whether misuse of memory is looked for, at a price: every allocation and release becomes slow, and released
         * memory is not used again for a while. By default what the system property {@code io.millpond.checked} says.
         *
         * <p>Found are writes behind the end of a buffer (by native code), when it is released, and writes after the
         * release of a buffer of at most 2 MiB, when it leaves its quarantine of 16 MiB, at the latest with
         * {@link BufferPool#trim()} and {@link BufferPool#close()}. Each is logged as an error, with the stacks of where the
         * buffer was released and allocated, and counted in {@link PoolStats#violations()}. The exception of a second
         * release, or of a use after it, has the first release for a cause.
         *
         * @param checked true to look
         * @return this
         */
        public Builder checked(boolean checked) {
            this.checked = checked;
            return this;
        }

        /**
         * Makes the pool.
         *
         * @return a new pool
         * @throws IllegalStateException if its parent is closed
         * @throws UnsatisfiedLinkError if the native library cannot be loaded, see {@link NativeLibrary}
         */
        public BufferPool build() {
            return new BufferPool(options(name != null ? name : "pool-" + COUNT.incrementAndGet()), false);
        }

        private PoolOptions options(String called) {
            return new PoolOptions(called, maxMemory, decay, threadCacheBytes, zeroing, alignment, checked, parent);
        }
    }
}
