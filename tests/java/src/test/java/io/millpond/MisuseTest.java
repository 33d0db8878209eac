package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes wrong in applications, and what the pool says to it. */
class MisuseTest {
    private final BufferPool pool = BufferPool.builder().name("misuse").maxMemory(64 << 20).build();

    @AfterEach
    void close() {
        pool.close();
        assertEquals(0, pool.stats().badFrees());
    }

    private static <T extends Throwable> void refuses(Class<T> type, Executable act, String... named) {
        String message = assertThrows(type, act).getMessage();
        for (String each : named) {
            assertTrue(message.contains(each), () -> "'" + message + "' should name " + each);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, -4096, Integer.MIN_VALUE})
    void negativeSizesAreRefused(int size) {
        String[] named = {"size is " + size, "0 to 2147483647"};
        refuses(IllegalArgumentException.class, () -> pool.allocate(size), named);
        refuses(IllegalArgumentException.class, () -> pool.tryAllocate(size), named);
        refuses(IllegalArgumentException.class, () -> pool.allocateZeroed(size), named);
        assertEquals(0, pool.stats().allocations());
    }

    @ParameterizedTest
    @ValueSource(ints = {64 << 20, (64 << 20) + 1, 1 << 30, Integer.MAX_VALUE})
    void absurdSizesHitTheLimit(int size) {
        try (PooledBuffer other = pool.allocate(1000)) {
            refuses(PoolExhaustedException.class, () -> pool.allocate(size), "'misuse'", " " + size + " bytes",
                "live buffers: 1)", "67108864", "release", "maxMemory", "tryAllocate");
            assertSame(null, pool.tryAllocate(size));
            assertEquals(1000, other.byteBuffer().remaining());
        }
    }

    @Test
    void aSecondReleaseThrows() {
        for (int size : new int[] {0, 100, 100_000, 4 << 20}) {
            PooledBuffer buffer = pool.allocate(size);
            buffer.release();
            refuses(IllegalStateException.class, buffer::release, size + " bytes", "'misuse'", "released before", "once");
            assertTrue(buffer.isReleased());
            buffer.close();
        }
        assertEquals(4, pool.stats().releases());
    }

    @Test
    void aBufferIsNotToBeHadAfterItsRelease() {
        PooledBuffer buffer = pool.allocate(100);
        buffer.release();
        refuses(IllegalStateException.class, buffer::byteBuffer, "100 bytes", "'misuse'", "released", "do not use it");
    }

    @Test
    void aSecondReleaseThrowsAlsoWhenTheBlockIsSomebodyElses() {
        PooledBuffer first = pool.allocate(100);
        first.byteBuffer().putLong(0, 41);
        first.release();
        PooledBuffer second = pool.allocate(100);
        assertEquals(41, second.byteBuffer().getLong(0), "the block should have come round at once");
        assertThrows(IllegalStateException.class, first::release);
        assertThrows(IllegalStateException.class, first::byteBuffer);
        first.close();
        second.byteBuffer().putLong(0, 42);
        PooledBuffer third = pool.allocate(100);
        third.byteBuffer().putLong(0, 43);
        assertEquals(42, second.byteBuffer().getLong(0));
        second.release();
        third.release();
        assertEquals(3, pool.stats().releases());
        assertEquals(0, pool.stats().liveBuffers());
    }

    @Test
    void ofRacingReleasesOneSucceeds() throws InterruptedException {
        int rounds = 20_000;
        int threads = 2;
        CyclicBarrier barrier = new CyclicBarrier(threads);
        AtomicReference<PooledBuffer> current = new AtomicReference<>();
        AtomicInteger succeeded = new AtomicInteger();
        AtomicInteger refused = new AtomicInteger();
        Threads.run(threads, index -> {
            for (int round = 0; round < rounds; round++) {
                if (index == 0) {
                    current.set(pool.allocate(64));
                }
                barrier.await();
                try {
                    current.get().release();
                    succeeded.incrementAndGet();
                } catch (IllegalStateException e) {
                    refused.incrementAndGet();
                }
                barrier.await();
            }
        });
        assertEquals(rounds, succeeded.get());
        assertEquals(rounds * (threads - 1), refused.get());
        assertEquals(rounds, pool.stats().releases());
        assertEquals(0, pool.stats().liveBuffers());
        assertEquals(0, pool.stats().usedBytes());
    }

    @Test
    void aClosedPoolGivesNothing() throws InterruptedException {
        pool.allocate(100).release();
        pool.close();
        pool.close();
        for (int size : new int[] {0, 100, 1 << 20, 4 << 20}) {
            refuses(IllegalStateException.class, () -> pool.allocate(size), "'misuse'", "closed", "another pool");
            refuses(IllegalStateException.class, () -> pool.tryAllocate(size), "'misuse'", "closed");
            refuses(IllegalStateException.class, () -> pool.allocateZeroed(size), "'misuse'", "closed");
        }
        Threads.runOne(index -> assertThrows(IllegalStateException.class, () -> pool.allocate(100)));
        assertTrue(pool.stats().isClosed());
        assertEquals(0, pool.trim());
        assertEquals(0, pool.stats().committedBytes());
    }

    @Test
    void aClosedPoolGivesNothingToThreadsThatHadSomeAtHand() throws InterruptedException {
        CyclicBarrier step = new CyclicBarrier(2);
        Thread closer = new Thread(() -> {
            try {
                step.await();
                pool.close();
                step.await();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        closer.start();
        Threads.runOne(index -> {
            pool.allocate(100).release();
            step.await();
            step.await();
            assertThrows(IllegalStateException.class, () -> pool.allocate(100));
        });
        closer.join();
        assertEquals(0, pool.stats().magazineBytes());
    }

    @Test
    void aStaleBufferIsHarmlessToTheJvm() {
        ByteBuffer stale = pool.allocate(100).byteBuffer();
        PooledBuffer huge = pool.allocate(4 << 20);
        ByteBuffer staleHuge = huge.byteBuffer();
        huge.release();
        pool.trim();
        pool.close();
        System.gc();
        for (int i = 0; i < 100; i++) {
            stale.put(i, (byte) i);
            staleHuge.put(i * 40_000, (byte) i);
        }
        assertNotNull(pool.stats());
    }
}
