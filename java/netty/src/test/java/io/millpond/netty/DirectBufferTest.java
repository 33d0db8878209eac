package io.millpond.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.millpond.BufferPool;
import io.netty.buffer.AbstractByteBufTest;
import io.netty.buffer.ByteBuf;
import org.junit.jupiter.api.Test;

/** Netty's own tests of a buffer. */
class DirectBufferTest extends AbstractByteBufTest {
    private static final BufferPool POOL = BufferPool.builder().name("buffer-tests").maxMemory(512 << 20).build();

    @Override
    protected ByteBuf newBuffer(int capacity, int maxCapacity) {
        ByteBuf buffer = new MillpondByteBufAllocator(POOL).directBuffer(capacity, maxCapacity);
        assertEquals(0, buffer.writerIndex());
        assertTrue(buffer.isDirect());
        return buffer;
    }

    /** Netty's wants a buffer that has no room beyond its capacity, as its unpooled ones; its pooled ones replace it too. */
    @Test
    @Override
    public void testMaxFastWritableBytes() {
        ByteBuf buffer = newBuffer(150, 500).writerIndex(100);
        assertEquals(50, buffer.writableBytes());
        assertEquals(150, buffer.capacity());
        assertEquals(500, buffer.maxCapacity());
        assertEquals(400, buffer.maxWritableBytes());
        int fast = buffer.maxFastWritableBytes();
        long address = buffer.memoryAddress();
        assertEquals(192 - 100, fast, "the block has 192 bytes");
        buffer.writeZero(fast);
        assertEquals(address, buffer.memoryAddress());
        buffer.release();
    }
}
