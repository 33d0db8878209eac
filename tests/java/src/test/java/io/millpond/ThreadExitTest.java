package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ThreadExitTest {
    @Test
    void everyCachedByteOfFiveHundredThreadsComesBack() throws InterruptedException {
        // With this decay only the end of a thread can give back what it had at hand.
        BufferPool.Builder builder = BufferPool.builder().name("short-lived").maxMemory(512 << 20);
        try (BufferPool pool = builder.decay(Duration.ofSeconds(10)).build()) {
            for (int round = 0; round < 10; round++) {
                Threads.run(50, index -> {
                    List<PooledBuffer> live = new ArrayList<>();
                    for (int i = 0; i < 40; i++) {
                        live.add(pool.allocate(100 + 700 * i));
                    }
                    live.forEach(PooledBuffer::release);
                });
            }
            assertEquals(500 * 40, pool.stats().allocations());
            // A thread that was joined may still be about to end its native part.
            Await.until(() -> pool.stats().magazines() + pool.stats().threadCaches() == 0, pool::stats);
            PoolStats stats = pool.stats();
            assertEquals(0, stats.magazineBytes());
            assertEquals(0, stats.threadCacheBytes());
            assertEquals(0, stats.usedBytes());
            assertEquals(500 * 40, stats.releases(), "the counts of threads that ended stay");
            pool.trim();
            assertEquals(0, pool.stats().committedBytes(), () -> pool.stats().toString());
        }
    }

    @Test
    void buffersOutliveTheThreadThatAllocatedThem() throws InterruptedException {
        try (BufferPool pool = BufferPool.builder().decay(Duration.ofMillis(100)).build()) {
            List<PooledBuffer> live = new ArrayList<>();
            Threads.runOne(index -> {
                for (int i = 0; i < 100; i++) {
                    live.add(pool.allocate(1000));
                }
            });
            Await.until(() -> pool.stats().magazines() == 0, pool::stats);
            live.forEach(buffer -> assertTrue(buffer.byteBuffer().put(999, (byte) 1).hasRemaining()));
            live.forEach(PooledBuffer::release);
            assertEquals(0, pool.stats().liveBuffers());
        }
    }
}
