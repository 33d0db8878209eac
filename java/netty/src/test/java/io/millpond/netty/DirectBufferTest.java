package io.millpond.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.millpond.BufferPool;
import io.netty.buffer.AbstractPooledByteBufTest;
import io.netty.buffer.ByteBuf;
import org.junit.jupiter.api.Test;

/** Netty's own tests of a buffer that comes from a pool. */
class DirectBufferTest extends AbstractPooledByteBufTest {
    /** Of the class that 150 bytes are in. */
    private static final int BLOCK = 192;
    private static final BufferPool POOL = BufferPool.builder().name("buffer-tests").maxMemory(512 << 20).build();

    @Override
    protected ByteBuf alloc(int capacity, int maxCapacity) {
        ByteBuf buffer = new MillpondByteBufAllocator(POOL).directBuffer(capacity, maxCapacity);
        assertEquals(0, buffer.writerIndex());
        assertTrue(buffer.isDirect());
        return buffer;
    }

    /** Netty's looks into its own class for the length of the block. */
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
        assertEquals(BLOCK - 100, fast);
        buffer.writeZero(fast);
        assertEquals(address, buffer.memoryAddress());
        buffer.release();
    }

    /** As above. */
    @Test
    @Override
    public void testEnsureWritableDoesntGrowTooMuch() {
        ByteBuf buffer = newBuffer(150, 500).writerIndex(100);
        int fast = buffer.maxFastWritableBytes();
        buffer.ensureWritable(fast);
        assertEquals(BLOCK, buffer.capacity(), "no larger than the block");
        buffer.release();
    }
}
