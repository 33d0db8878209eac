package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.InvalidMarkException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a buffer of the pool looks like: as one from {@code ByteBuffer.allocateDirect}. */
class BufferContractTest {
    private final BufferPool pool = BufferPool.builder().name("contract").maxMemory(256 << 20).build();

    @AfterEach
    void close() {
        pool.close();
    }

    private static void assertNew(ByteBuffer buffer, int size) {
        assertTrue(buffer.isDirect());
        assertFalse(buffer.isReadOnly());
        assertFalse(buffer.hasArray());
        assertEquals(size, buffer.capacity());
        assertEquals(size, buffer.limit());
        assertEquals(0, buffer.position());
        assertSame(ByteOrder.BIG_ENDIAN, buffer.order());
        assertThrows(InvalidMarkException.class, buffer::reset);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 63, 64, 65, 511, 512, 513, 1000, 4096, 8191, 8192, 8193, 28_673, 32_768, 65_536, 65_537, 1 << 20,
        2 << 20, (2 << 20) + 1, 9_999_999})
    void hasExactlyTheSizeThatWasAskedFor(int size) {
        for (int round = 0; round < 3; round++) {
            PooledBuffer buffer = pool.allocate(size);
            ByteBuffer bytes = buffer.byteBuffer();
            assertNew(bytes, size);
            assertEquals(size, buffer.capacity());
            bytes.put(0, (byte) 1).put(size - 1, (byte) 2);
            assertThrows(IndexOutOfBoundsException.class, () -> bytes.put(size, (byte) 3));
            bytes.position(size);
            assertThrows(BufferOverflowException.class, () -> bytes.put((byte) 3));
            assertSame(bytes, buffer.byteBuffer());
            buffer.release();
        }
    }

    @Test
    void isNewAgainWhateverTheLastUserDid() {
        PooledBuffer first = pool.allocate(500);
        first.byteBuffer().order(ByteOrder.LITTLE_ENDIAN).position(100).mark().limit(200);
        first.release();
        for (int size : new int[] {500, 512, 500, 449}) {
            PooledBuffer next = pool.allocate(size);
            assertNotSame(first, next);
            assertNew(next.byteBuffer(), size);
            next.byteBuffer().order(ByteOrder.LITTLE_ENDIAN).position(10).mark();
            next.release();
        }
    }

    @Test
    void ofNoBytesIsEmptyAndLive() {
        PooledBuffer empty = pool.allocate(0);
        assertNew(empty.byteBuffer(), 0);
        assertEquals(0, empty.capacity());
        assertThrows(BufferOverflowException.class, () -> empty.byteBuffer().put((byte) 1));
        assertEquals(1, pool.stats().liveBuffers());
        assertEquals(64, pool.stats().usedBytes());
        empty.release();
        assertTrue(empty.isReleased());
        assertThrows(IllegalStateException.class, empty::release);
        assertEquals(0, pool.stats().liveBuffers());
    }

    @Test
    void liveBuffersDoNotOverlap() {
        List<PooledBuffer> live = new ArrayList<>();
        int[] sizes = {1, 64, 100, 1000, 5000, 10_000, 40_000, 100_000, 3_000_000};
        for (int i = 0; i < 300; i++) {
            PooledBuffer buffer = pool.allocate(sizes[i % sizes.length]);
            ByteBuffer bytes = buffer.byteBuffer();
            for (int at = 0; at < bytes.capacity(); at++) {
                bytes.put(at, (byte) i);
            }
            live.add(buffer);
        }
        for (int i = 0; i < live.size(); i++) {
            ByteBuffer bytes = live.get(i).byteBuffer();
            for (int at = 0; at < bytes.capacity(); at += 61) {
                assertEquals((byte) i, bytes.get(at));
            }
            live.get(i).release();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 100, 16_384, 16_385, 100_000, 3_000_000})
    void isZeroedWhenThatWasAskedFor(int size) {
        dirty(pool, size);
        assertZero(pool.allocateZeroed(size));
        try (BufferPool zeroing = BufferPool.builder().zeroing(true).maxMemory(64 << 20).build()) {
            dirty(zeroing, size);
            assertZero(zeroing.allocate(size));
            assertZero(zeroing.allocateZeroed(size));
            assertZero(zeroing.tryAllocate(size));
        }
    }

    private static void dirty(BufferPool pool, int size) {
        PooledBuffer buffer = pool.allocate(size);
        while (buffer.byteBuffer().hasRemaining()) {
            buffer.byteBuffer().put((byte) 0xAA);
        }
        buffer.release();
    }

    private static void assertZero(PooledBuffer buffer) {
        assertNew(buffer.byteBuffer(), buffer.capacity());
        assertEquals(0, ByteBuffer.allocate(buffer.capacity()).compareTo(buffer.byteBuffer()));
        buffer.release();
    }

    @Test
    void closesOnceAndMayHaveBeenReleased() {
        PooledBuffer kept;
        try (PooledBuffer buffer = pool.allocate(10)) {
            kept = buffer;
            assertFalse(buffer.isReleased());
        }
        assertTrue(kept.isReleased());
        kept.close();
        try (PooledBuffer buffer = pool.allocate(10)) {
            buffer.release();
        }
        assertEquals(0, pool.stats().liveBuffers());
        assertEquals(2, pool.stats().releases());
    }

    @Test
    void saysWhatItIs() {
        PooledBuffer buffer = pool.allocate(77);
        assertEquals("PooledBuffer[77 bytes of pool 'contract']", buffer.toString());
        buffer.release();
        assertEquals("PooledBuffer[77 bytes of pool 'contract', released]", buffer.toString());
        assertEquals(77, buffer.capacity());
    }

    @Test
    void statisticsAddUp() {
        PooledBuffer small = pool.allocate(100);
        PooledBuffer large = pool.allocate(3 << 20);
        PoolStats stats = pool.stats();
        assertEquals(2, stats.liveBuffers());
        assertEquals(128 + (3 << 20), stats.usedBytes());
        assertEquals(3 << 20, stats.hugeBytes());
        assertTrue(stats.usedBytes() + stats.cachedBytes() <= stats.committedBytes(), stats::toString);
        assertTrue(stats.committedBytes() <= stats.reservedBytes(), stats::toString);
        assertEquals(256 << 20, stats.limitBytes());
        small.release();
        large.release();
        stats = pool.stats();
        assertEquals(0, stats.liveBuffers());
        assertEquals(0, stats.usedBytes());
        assertEquals(2, stats.allocations());
        assertEquals(2, stats.releases());
        assertEquals(0, stats.badFrees());
        assertTrue(stats.toString().contains("'contract'") && stats.toString().contains("allocations 2"), stats::toString);
        assertTrue(pool.toString().contains("'contract'"));
    }

    @Test
    void theSharedPoolStaysOpen() {
        BufferPool.shared().close();
        assertSame(BufferPool.shared(), BufferPool.shared());
        BufferPool.shared().allocate(10).release();
        assertEquals("shared", BufferPool.shared().stats().name());
    }
}
