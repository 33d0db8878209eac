package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LimitTest {
    private static final int LIMIT = 16 << 20;

    private static BufferPool pool() {
        return BufferPool.builder().name("limited").maxMemory(LIMIT).build();
    }

    private static List<PooledBuffer> fill(BufferPool pool, int size) {
        List<PooledBuffer> live = new ArrayList<>();
        for (PooledBuffer buffer = pool.tryAllocate(size); buffer != null; buffer = pool.tryAllocate(size)) {
            live.add(buffer);
        }
        return live;
    }

    @ParameterizedTest
    @ValueSource(ints = {500, 4096, 50_000, 1 << 20, 3 << 20})
    void holdsAndIsReported(int size) {
        try (BufferPool pool = pool()) {
            List<PooledBuffer> live = fill(pool, size);
            assertTrue((long) live.size() * size > LIMIT * 0.7, () -> live.size() + " buffers of " + size);
            PoolStats stats = pool.stats();
            assertTrue(stats.peakCommittedBytes() <= LIMIT, stats::toString);
            PoolExhaustedException e = assertThrows(PoolExhaustedException.class, () -> pool.allocate(size));
            assertEquals(size, e.requestedBytes());
            assertEquals(live.size(), e.stats().liveBuffers());
            String buffers = "live buffers: " + live.size() + ")";
            for (String named : List.of("'limited'", " " + size + " bytes", buffers, " " + LIMIT + " ")) {
                assertTrue(e.getMessage().contains(named), () -> e.getMessage() + " should name " + named);
            }
            assertTrue(pool.stats().failures() > 0);

            live.remove(0).release();
            PooledBuffer next = pool.allocate(size);
            assertNotNull(next);
            next.release();
            live.forEach(PooledBuffer::release);
            assertEquals(0, pool.stats().usedBytes());
        }
    }

    @Test
    void thatTheSystemRefusesDoesNotLookLikeTheLimit() throws Exception {
        // A JVM that reserves little itself.
        List<String> flags = ForkedJvm.withLibrary("-Xmx64m", "-XX:+UseSerialGC", "-XX:ReservedCodeCacheSize=64m",
            "-XX:CompressedClassSpaceSize=64m");
        ForkedJvm forked = ForkedJvm.runWithin("-v 4000000", flags, Starved.class);
        assertEquals(0, forked.exitStatus, forked::toString);
        for (String named : List.of("operating system", "'starved'", "error 12", "ulimit -v", "vm.max_map_count", "went on")) {
            assertTrue(forked.output.contains(named), () -> forked + " should name " + named);
        }
    }

    /** Allocates until there are no addresses any more. */
    static final class Starved {
        private Starved() {
        }

        public static void main(String[] arguments) {
            int size = 256 << 20;
            try (BufferPool pool = BufferPool.builder().name("starved").maxMemory(1L << 40).build()) {
                List<PooledBuffer> live = new ArrayList<>();
                PoolExhaustedException refused = assertThrows(PoolExhaustedException.class, () -> {
                    while (true) {
                        live.add(pool.allocate(size));
                    }
                });
                System.out.println(refused.getMessage());
                assertEquals(12, refused.systemError());
                assertNull(refused.limitingPool());
                live.forEach(PooledBuffer::release);
                pool.allocate(size).release();
                System.out.println("went on after " + live.size());
            }
        }
    }

    @Test
    void whatRestsInOtherThreadsAndClassesIsUsedBeforeItFails() throws InterruptedException {
        try (BufferPool pool = pool()) {
            CountDownLatch done = new CountDownLatch(1);
            CountDownLatch cached = new CountDownLatch(1);
            // Another thread, alive, whose magazine and cache hold much of the pool.
            Thread other = new Thread(() -> {
                fill(pool, 16_000).forEach(PooledBuffer::release);
                cached.countDown();
                try {
                    done.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            other.start();
            cached.await();
            List<PooledBuffer> live = fill(pool, 1 << 20);
            assertTrue(live.size() >= LIMIT / (1 << 20) - 1, () -> live.size() + " " + pool.stats());
            live.forEach(PooledBuffer::release);
            done.countDown();
            other.join();
        }
    }

    @Test
    void poolsDoNotShareTheirLimits() {
        try (BufferPool one = pool(); BufferPool other = pool()) {
            List<PooledBuffer> live = fill(one, 1 << 20);
            assertNull(one.tryAllocate(1 << 20));
            PooledBuffer buffer = other.allocate(1 << 20);
            buffer.release();
            live.forEach(PooledBuffer::release);
        }
    }
}
