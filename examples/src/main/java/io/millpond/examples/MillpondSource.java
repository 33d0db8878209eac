package io.millpond.examples;

import io.millpond.BufferPool;
import io.millpond.PoolStats;
import io.millpond.PooledBuffer;
import java.nio.ByteBuffer;
import java.util.Locale;

/** Buffers from a Millpond pool of its own. */
final class MillpondSource implements BufferSource {
    private final BufferPool pool;

    MillpondSource(String name, long maxMemory) {
        pool = BufferPool.builder().name(name).maxMemory(maxMemory).build();
    }

    BufferPool pool() {
        return pool;
    }

    @Override
    public Lease take(int size) {
        return new MillpondLease(pool.allocate(size));
    }

    @Override
    public Usage usage() {
        PoolStats stats = pool.stats();
        return new Usage(stats.liveBuffers(), stats.usedBytes(), stats.cachedBytes(), stats.committedBytes());
    }

    @Override
    public long unreleased() {
        PoolStats stats = pool.stats();
        return stats.allocations() - stats.releases();
    }

    @Override
    public String statistics() {
        PoolStats stats = pool.stats();
        StringBuilder text = new StringBuilder();
        row(text, "buffers", "%d allocated, %d released, %d forgotten, %d live", stats.allocations(), stats.releases(),
                stats.forgottenBuffers(), stats.liveBuffers());
        row(text, "used", "%s", Amount.bytes(stats.usedBytes()));
        row(text, "cached", "%s: magazines %s, thread caches %s, depot %s, huge %s", Amount.bytes(stats.cachedBytes()),
                Amount.bytes(stats.magazineBytes()), Amount.bytes(stats.threadCacheBytes()), Amount.bytes(stats.depotBytes()),
                Amount.bytes(stats.hugeCacheBytes()));
        row(text, "free, still committed", "%s", Amount.bytes(stats.dirtyBytes()));
        row(text, "committed", "%s, at the peak %s, of at most %s", Amount.bytes(stats.committedBytes()),
                Amount.bytes(stats.peakCommittedBytes()), Amount.bytes(stats.limitBytes()));
        row(text, "address space", "%s, and %s for bookkeeping", Amount.bytes(stats.reservedBytes()),
                Amount.bytes(stats.metadataBytes()));
        row(text, "given back", "%s in %d purges", Amount.bytes(stats.purgedBytes()), stats.purges());
        row(text, "failures, bad frees", "%d, %d", stats.failures(), stats.badFrees());
        return text.toString();
    }

    private static void row(StringBuilder text, String name, String format, Object... values) {
        text.append(String.format(Locale.ROOT, "%-24s%s%n", name, String.format(Locale.ROOT, format, values)));
    }

    @Override
    public void close() {
        pool.close();
    }

    private record MillpondLease(PooledBuffer pooled) implements Lease {
        @Override
        public ByteBuffer buffer() {
            return pooled.byteBuffer();
        }

        @Override
        public void release() {
            pooled.release();
        }
    }
}
