package io.millpond;

import java.time.Duration;

/**
 * A pool has no memory for a buffer: its limit is reached and everything that was free went back already, or the operating
 * system gives none. Says who holds what.
 */
public final class PoolExhaustedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Bytes that were asked for. */
    private final long requestedBytes;
    /** Name of the pool whose limit it is. */
    private final String limitingPool;
    /** What the pool held. */
    private final transient PoolStats stats;

    /** Nothing was waited for if {@code waited} is null. */
    PoolExhaustedException(long requestedBytes, PoolStats stats, PoolStats limiting, Duration waited) {
        super(describe(requestedBytes, stats, limiting, waited));
        this.requestedBytes = requestedBytes;
        this.limitingPool = limiting.name();
        this.stats = stats;
    }

    private static String describe(long requested, PoolStats stats, PoolStats limiting, Duration waited) {
        String own = "pool '" + stats.name() + "' has no room for " + requested + " bytes"
                + (waited == null ? "" : ", after waiting " + waited) + ": used " + stats.usedBytes()
                + " (live buffers: " + stats.liveBuffers() + "), cached " + stats.cachedBytes() + ", committed "
                + stats.committedBytes() + " of its limit of " + stats.limitBytes() + " bytes";
        String above = limiting.name().equals(stats.name()) ? "" : "; the limit reached is that of its ancestor '"
                + limiting.name() + "', committed " + limiting.committedBytes() + " of " + limiting.limitBytes() + " bytes";
        // Also for users of the Netty allocator, who have nothing to wait with.
        return own + above + "; release buffers sooner or raise maxMemory; who asks the BufferPool itself can also wait: "
                + "allocate() with a time, or tryAllocate()";
    }

    /**
     * Which limit was reached: the pool's own or that of an ancestor.
     *
     * @return name of that pool
     */
    public String limitingPool() {
        return limitingPool;
    }

    /**
     * The size of the buffer that could not be had.
     *
     * @return bytes
     */
    public long requestedBytes() {
        return requestedBytes;
    }

    /**
     * What the pool held at that moment.
     *
     * @return the statistics; null if the exception was serialized meanwhile
     */
    public PoolStats stats() {
        return stats;
    }
}
