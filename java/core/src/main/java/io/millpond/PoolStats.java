package io.millpond;

/**
 * What a {@link BufferPool} holds and did. Taken without stopping anybody: each figure is true, but they are of slightly
 * different moments; when the pool is quiet they add up exactly.
 *
 * <p>Bytes are those of whole blocks and pages, so {@link #usedBytes()} is somewhat more than what was asked for. A block is
 * in one place:
 *
 * <pre>
 * used → magazines → thread caches → depot → free pages (dirty) → the operating system
 * </pre>
 *
 * <p>Threading: immutable.
 */
public final class PoolStats {
    private final String name;
    private final boolean closed;
    private final long[] figures;
    private final long magazineBytes;
    private final long shelfBytes;
    private final long shelfHugeBytes;
    private final int magazines;
    private final long allocations;
    private final long releases;
    private final long forgotten;

    PoolStats(String name, boolean closed, long[] figures, Magazines.Figures magazines, long allocations, long releases,
            long forgotten) {
        this.name = name;
        this.closed = closed;
        this.figures = figures;
        this.magazineBytes = magazines.bytes;
        this.shelfBytes = magazines.shelfBytes;
        this.shelfHugeBytes = magazines.shelfHugeBytes;
        this.magazines = magazines.count;
        this.allocations = allocations;
        this.releases = releases;
        this.forgotten = forgotten;
    }

    /**
     * Which pool.
     *
     * @return its name
     */
    public String name() {
        return name;
    }

    /**
     * Whether it was closed.
     *
     * @return true after {@link BufferPool#close()}
     */
    public boolean isClosed() {
        return closed;
    }

    /**
     * Memory of live buffers.
     *
     * @return bytes
     */
    public long usedBytes() {
        return Math.max(0, figures[NativePool.USED] - magazineBytes - shelfBytes - shelfHugeBytes);
    }

    /**
     * Free blocks that wait for the next allocation: {@link #magazineBytes()}, {@link #threadCacheBytes()},
     * {@link #depotBytes()} and {@link #hugeCacheBytes()}.
     *
     * @return bytes
     */
    public long cachedBytes() {
        return magazineBytes + threadCacheBytes() + depotBytes() + hugeCacheBytes();
    }

    /**
     * Free blocks with their Java objects, ready at a thread's hand.
     *
     * @return bytes
     */
    public long magazineBytes() {
        return magazineBytes;
    }

    /**
     * Free blocks in the native caches of threads.
     *
     * @return bytes
     */
    public long threadCacheBytes() {
        return figures[NativePool.CACHED_THREADS];
    }

    /**
     * Free blocks on their way between threads, on both sides of JNI.
     *
     * @return bytes
     */
    public long depotBytes() {
        return figures[NativePool.CACHED_DEPOT] + shelfBytes;
    }

    /**
     * Blocks above 2 MiB that were released lately and still have their memory.
     *
     * @return bytes
     */
    public long hugeCacheBytes() {
        return figures[NativePool.CACHED_HUGE] + shelfHugeBytes;
    }

    /**
     * Free pages that have not gone back to the operating system yet.
     *
     * @return bytes
     */
    public long dirtyBytes() {
        return figures[NativePool.DIRTY];
    }

    /**
     * Memory that the pool has from the operating system, which is what counts against {@link #limitBytes()}. At most this
     * is resident.
     *
     * @return bytes
     */
    public long committedBytes() {
        return figures[NativePool.COMMITTED];
    }

    /**
     * The most that {@link #committedBytes()} ever was.
     *
     * @return bytes
     */
    public long peakCommittedBytes() {
        return figures[NativePool.PEAK_COMMITTED];
    }

    /**
     * The limit that was set when the pool was built.
     *
     * @return bytes
     */
    public long limitBytes() {
        return figures[NativePool.LIMIT_BYTES];
    }

    /**
     * Address space for buffers. It costs no memory where it is not committed.
     *
     * @return bytes
     */
    public long reservedBytes() {
        return figures[NativePool.RESERVED];
    }

    /**
     * Address space of the pool's bookkeeping, of which less is resident.
     *
     * @return bytes
     */
    public long metadataBytes() {
        return figures[NativePool.METADATA];
    }

    /**
     * Memory of live buffers above 2 MiB; part of {@link #usedBytes()}.
     *
     * @return bytes
     */
    public long hugeBytes() {
        return Math.max(0, figures[NativePool.HUGE_LIVE_BYTES] - shelfHugeBytes);
    }

    /**
     * Buffers that were allocated and neither released nor found forgotten.
     *
     * @return a count
     */
    public long liveBuffers() {
        return Math.max(0, allocations - releases - forgotten);
    }

    /**
     * Buffers ever allocated.
     *
     * @return a count
     */
    public long allocations() {
        return allocations;
    }

    /**
     * Buffers ever released.
     *
     * @return a count
     */
    public long releases() {
        return releases;
    }

    /**
     * Buffers that were dropped without a release and came back through the Cleaner. Each of them is a bug in the
     * application.
     *
     * @return a count
     */
    public long forgottenBuffers() {
        return forgotten;
    }

    /**
     * Allocations that failed because the limit was reached or the operating system had no memory. One allocation may be
     * counted twice: once before and once after the magazines of other threads were emptied for it.
     *
     * @return a count
     */
    public long failures() {
        return figures[NativePool.FAILURES];
    }

    /**
     * Blocks that were given back to the native library and were not live. Any other figure than 0 is a bug in Millpond, or
     * in native code that uses the same pool.
     *
     * @return a count
     */
    public long badFrees() {
        return figures[NativePool.BAD_FREES];
    }

    /**
     * Writes behind the end of a buffer or after its release that checked mode found. Each was logged as an error.
     *
     * @return a count; 0 unless the pool is {@linkplain BufferPool.Builder#checked(boolean) checked}
     */
    public long violations() {
        return figures[NativePool.VIOLATIONS];
    }

    /**
     * Memory of released buffers that checked mode keeps from being used again.
     *
     * @return bytes; 0 unless the pool is checked
     */
    public long quarantinedBytes() {
        return figures[NativePool.QUARANTINED];
    }

    /**
     * Memory that went back to the operating system, ever.
     *
     * @return bytes
     */
    public long purgedBytes() {
        return figures[NativePool.PURGED_BYTES];
    }

    /**
     * Times that memory went back to the operating system.
     *
     * @return a count
     */
    public long purges() {
        return figures[NativePool.PURGES];
    }

    /**
     * Times that the operating system did not take memory back. That memory stays dirty and is tried again; the first time
     * is logged.
     *
     * @return a count
     */
    public long purgeFailures() {
        return figures[NativePool.PURGE_FAILURES];
    }

    /**
     * Threads that have a magazine, and the shared ones of virtual threads.
     *
     * @return a count
     */
    public int magazines() {
        return magazines;
    }

    /**
     * Threads that have a native cache.
     *
     * @return a count
     */
    public int threadCaches() {
        return (int) figures[NativePool.THREAD_CACHES];
    }

    /**
     * Chunks of 4 MiB address space in use.
     *
     * @return a count
     */
    public int chunks() {
        return (int) figures[NativePool.CHUNKS];
    }

    @Override
    public String toString() {
        return "pool '" + name + "'" + (closed ? " (closed)" : "") + ": " + liveBuffers() + " live buffers, used " + usedBytes()
                + " bytes, cached " + cachedBytes() + " (magazines " + magazineBytes() + ", thread caches " + threadCacheBytes()
                + ", depot " + depotBytes() + ", huge " + hugeCacheBytes() + "), dirty " + dirtyBytes() + ", committed "
                + committedBytes() + " of " + limitBytes() + " (peak " + peakCommittedBytes() + "), reserved " + reservedBytes()
                + ", metadata " + metadataBytes() + "; allocations " + allocations + ", releases " + releases + ", forgotten "
                + forgotten + ", failures " + failures() + ", bad frees " + badFrees() + ", purged " + purgedBytes() + " bytes"
                + (purgeFailures() == 0 ? "" : ", purge failures " + purgeFailures())
                + (violations() + quarantinedBytes() == 0 ? "" : ", violations " + violations() + ", quarantined "
                + quarantinedBytes());
    }
}
