package io.millpond.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.millpond.BufferPool;
import io.netty.buffer.AbstractByteBufTest;
import io.netty.buffer.ByteBuf;

/** Netty's own tests of a buffer, on a heap buffer. */
class HeapBufferTest extends AbstractByteBufTest {
    private static final BufferPool POOL = BufferPool.builder().name("heap-buffer-tests").build();

    @Override
    protected ByteBuf newBuffer(int capacity, int maxCapacity) {
        ByteBuf buffer = new MillpondByteBufAllocator(POOL).heapBuffer(capacity, maxCapacity);
        assertEquals(0, buffer.writerIndex());
        assertFalse(buffer.isDirect());
        return buffer;
    }
}
