package io.millpond.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.millpond.BufferPool;
import io.netty.buffer.ByteBuf;

/** A pool and an allocator over it for each test, of which nothing must be out at the end. */
final class Pools implements AutoCloseable {
    final BufferPool pool;
    final MillpondByteBufAllocator allocator;

    Pools() {
        this(256 << 20);
    }

    Pools(long maxMemory) {
        pool = BufferPool.builder().name("netty-tests").maxMemory(maxMemory).build();
        allocator = new MillpondByteBufAllocator(pool);
    }

    ByteBuf buffer(int size) {
        return allocator.directBuffer(size);
    }

    @Override
    public void close() {
        try {
            assertEquals(0, pool.stats().liveBuffers(), () -> "live buffers of " + pool);
            assertEquals(0, pool.stats().usedBytes());
        } finally {
            pool.close();
        }
    }
}
