package io.millpond.netty;

import io.millpond.BufferPool;
import io.netty.buffer.AbstractByteBufAllocatorTest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Test;

/** Netty's own tests of an allocator. */
class MillpondByteBufAllocatorTest extends AbstractByteBufAllocatorTest<MillpondByteBufAllocator> {
    private BufferPool pool;

    @AfterEach
    void closePool() {
        if (pool != null) {
            pool.close();
        }
    }

    @Override
    protected MillpondByteBufAllocator newAllocator(boolean preferDirect) {
        closePool();
        pool = BufferPool.builder().name("allocator-tests").maxMemory(512 << 20).build();
        return new MillpondByteBufAllocator(pool);
    }

    @Override
    protected MillpondByteBufAllocator newUnpooledAllocator() {
        return newAllocator(false);
    }

    /** This allocator prefers direct buffers, whatever was asked for. */
    @Override
    protected boolean isDirectExpected(boolean preferDirect) {
        return true;
    }

    @Test
    @Disabled("asserts the classes of Netty's own unpooled buffers")
    @Override
    public void testUnsafeHeapBufferAndUnsafeDirectBuffer() {
        // Nothing to assert.
    }

    @Test
    @Disabled("wants heap buffers out of a pool; this allocator's are plain arrays, see its documentation")
    @Override
    public void shouldReuseChunks() {
        // What it means for direct buffers is in AllocatorBehaviourTest.
    }
}
