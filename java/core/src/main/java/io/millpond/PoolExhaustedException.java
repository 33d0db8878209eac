package io.millpond;

import java.time.Duration;

/**
 * A pool has no memory for a buffer: its limit is reached and everything that was free went back already, or the operating
 * system gives none. Says who holds what.
 */
public final class PoolExhaustedException extends RuntimeException {
    private static final long serialVersionUID = 1;
    private static final int NO_MEMORY = 12;

    /** Bytes that were asked for. */
    private final long requestedBytes;
    /** Name of the pool whose limit it is. */
    private final String limitingPool;
    /** Error number of the operating system; 0 if a limit was reached. */
    private final int systemError;
    /** What the pool held. */
    private final transient PoolStats stats;

    /** Nothing was waited for if {@code waited} is null; no limit was reached if {@code systemError} is not 0. */
    PoolExhaustedException(long requestedBytes, PoolStats stats, PoolStats limiting, Duration waited, int waiting,
            int systemError) {
        super(systemError == 0 ? describe(requestedBytes, stats, limiting, waited, waiting)
                : describeRefusal(requestedBytes, stats, waited, systemError));
        this.requestedBytes = requestedBytes;
        this.limitingPool = systemError == 0 ? limiting.name() : null;
        this.systemError = systemError;
        this.stats = stats;
    }

    private static String describe(long requested, PoolStats stats, PoolStats limiting, Duration waited, int waiting) {
        String own = "pool '" + stats.name() + "' has no room for " + requested + " bytes" + holdings(stats, waited);
        String above = limiting.name().equals(stats.name()) ? "" : "; the limit reached is that of its ancestor '"
                + limiting.name() + "', committed " + limiting.committedBytes() + " of " + limiting.limitBytes() + " bytes";
        String line = waiting == 0 ? "" : "; others wait for room (" + waiting + ") and come first";
        // Also for users of the Netty allocator, who have nothing to wait with.
        return own + above + line + "; release buffers sooner or raise maxMemory; who asks the BufferPool itself can also wait: "
                + "allocate() with a time, or tryAllocate()";
    }

    private static String describeRefusal(long requested, PoolStats stats, Duration waited, int error) {
        return "the operating system gave pool '" + stats.name() + "' no memory for " + requested + " bytes (error " + error
                + (error == NO_MEMORY ? ", ENOMEM" : "") + ")" + holdings(stats, waited) + "; no limit of a pool is reached: "
                + "look at ulimit -v, vm.max_map_count, vm.overcommit_memory and the memory limit of the container";
    }

    private static String holdings(PoolStats stats, Duration waited) {
        return (waited == null ? "" : ", after waiting " + waited) + ": used " + stats.usedBytes()
                + " (live buffers: " + stats.liveBuffers() + "), cached " + stats.cachedBytes() + ", committed "
                + stats.committedBytes() + " of its limit of " + stats.limitBytes() + " bytes";
    }

    /**
     * Which limit was reached: the pool's own or that of an ancestor.
     *
     * @return name of that pool; null if it was the operating system that refused
     */
    public String limitingPool() {
        return limitingPool;
    }

    /**
     * With what the operating system refused memory.
     *
     * @return its error number ({@code errno}); 0 if the limit of a pool was reached
     */
    public int systemError() {
        return systemError;
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
