package io.millpond.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.millpond.BufferPool;
import io.netty.buffer.AbstractPooledByteBufTest;
import io.netty.buffer.ByteBuf;
import io.netty.util.IllegalReferenceCountException;
import java.util.Random;
import java.util.stream.IntStream;
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

    @Test
    void findsWhatALoopFinds() {
        Random random = new Random(7);
        ByteBuf buffer = newBuffer(200, 400);
        byte[] bytes = new byte[200];
        for (int round = 0; round < 20_000; round++) {
            // Few values, the neighbours of zero and of the sign among them, so that some are found and some are not.
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) (random.nextInt(40) == 0 ? random.nextInt(5) - 2 : 126 + random.nextInt(3));
            }
            buffer.setBytes(0, bytes);
            byte wanted = (byte) (random.nextInt(9) - 4);
            int from = random.nextInt(210) - 10;
            int to = random.nextInt(201);
            int expected = find(bytes, from, to, wanted);
            assertEquals(expected, buffer.indexOf(from, to, wanted), () -> wanted + " from " + from + " to " + to);
        }
        buffer.release();
    }

    private static int find(byte[] bytes, int from, int to, byte wanted) {
        if (from <= to) {
            return IntStream.range(Math.max(from, 0), to).filter(i -> bytes[i] == wanted).findFirst().orElse(-1);
        }
        return IntStream.iterate(Math.min(from, bytes.length) - 1, i -> i >= to, i -> i - 1)
            .filter(i -> bytes[i] == wanted).findFirst().orElse(-1);
    }

    @Test
    void searchesNothingOutOfBounds() {
        ByteBuf buffer = newBuffer(150, 150).setZero(0, 150);
        assertEquals(-1, buffer.indexOf(Integer.MIN_VALUE, 150, (byte) 1));
        // In the block, but not in the buffer.
        assertThrows(IndexOutOfBoundsException.class, () -> buffer.indexOf(0, 151, (byte) 1));
        assertThrows(IndexOutOfBoundsException.class, () -> buffer.indexOf(1, Integer.MAX_VALUE, (byte) 1));
        assertThrows(IndexOutOfBoundsException.class, () -> buffer.indexOf(5, Integer.MIN_VALUE, (byte) 1));
        buffer.release();
        assertThrows(IllegalReferenceCountException.class, () -> buffer.indexOf(0, 150, (byte) 1));
    }

    /** The view that an access goes through is larger than the buffer, and stays when it is released. */
    @Test
    void refusedAccessesSayWhatWasWrong() {
        ByteBuf buffer = newBuffer(150, 190);
        IndexOutOfBoundsException outside = assertThrows(IndexOutOfBoundsException.class, () -> buffer.getLong(143));
        assertEquals("index: 143, length: 8 (expected: range(0, 150))", outside.getMessage());
        buffer.capacity(151).setLong(143, 1);
        assertEquals(1, buffer.getLong(143));
        buffer.capacity(10);
        assertThrows(IndexOutOfBoundsException.class, () -> buffer.setByte(10, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> buffer.setBytes(8, new byte[3], 0, 3));
        buffer.release();
        assertThrows(IllegalReferenceCountException.class, () -> buffer.getByte(0));
        assertThrows(IllegalReferenceCountException.class, () -> buffer.setBytes(0, new byte[1], 0, 1));
    }
}
