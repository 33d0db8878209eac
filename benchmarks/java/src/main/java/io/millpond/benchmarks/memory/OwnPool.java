package io.millpond.benchmarks.memory;

import io.millpond.BufferPool;
import io.millpond.PooledBuffer;
import io.millpond.benchmarks.Allocator;
import java.nio.ByteBuffer;

/** Millpond with a pool that the program has at hand, for what other allocators do not have. */
final class OwnPool extends Allocator {
    private static final int PAGE = 4096;

    private final BufferPool pool;

    OwnPool(BufferPool.Builder options) {
        pool = options.build();
    }

    BufferPool pool() {
        return pool;
    }

    @Override
    public Object take(int size) {
        return pool.allocate(size);
    }

    @Override
    public int touch(Object buffer) {
        ByteBuffer bytes = ((PooledBuffer) buffer).byteBuffer();
        bytes.put(0, (byte) 1);
        return bytes.remaining();
    }

    @Override
    public void fill(Object buffer) {
        ByteBuffer bytes = ((PooledBuffer) buffer).byteBuffer();
        for (int i = 0; i < bytes.capacity(); i += PAGE) {
            bytes.put(i, (byte) 1);
        }
    }

    @Override
    public void give(Object buffer) {
        ((PooledBuffer) buffer).release();
    }

    @Override
    public void close() {
        pool.close();
    }
}
