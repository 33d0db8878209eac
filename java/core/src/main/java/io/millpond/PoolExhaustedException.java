package io.millpond;

/**
 * A pool has no memory for a buffer: its limit is reached and everything that was free went back already, or the operating
 * system gives none. Says who holds what.
 */
public final class PoolExhaustedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Bytes that were asked for. */
    private final long requestedBytes;
    /** What the pool held. */
    private final transient PoolStats stats;

    PoolExhaustedException(long requestedBytes, PoolStats stats) {
        super(describe(requestedBytes, stats));
        this.requestedBytes = requestedBytes;
        this.stats = stats;
    }

    private static String describe(long requested, PoolStats stats) {
        return "pool '" + stats.name() + "' has no room for " + requested + " bytes: used " + stats.usedBytes()
                + " (live buffers: " + stats.liveBuffers() + "), cached " + stats.cachedBytes() + ", committed "
                + stats.committedBytes() + " of its limit of " + stats.limitBytes()
                + " bytes; release buffers sooner, raise maxMemory, or use tryAllocate() and wait";
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
