package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Memory goes back by itself, with no traffic to trigger it. */
class DecayTest {
    private static final long MIB = 1 << 20;

    /** Bytes of this process that are in memory and of no file, in kernel pages; the heap is in there too. */
    private static long residentAnonymous() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("RssAnon:")) {
                    return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
                }
            }
            throw new AssertionError("/proc/self/status has no RssAnon");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void burst(BufferPool pool, int size, long bytes) {
        List<PooledBuffer> live = new ArrayList<>();
        for (long sum = 0; sum < bytes; sum += size) {
            PooledBuffer buffer = pool.allocateZeroed(size);
            live.add(buffer);
        }
        live.forEach(PooledBuffer::release);
    }

    @Test
    void whatIsOnItsWayBackDoesNotCountAsUsed() throws InterruptedException {
        try (BufferPool pool = BufferPool.builder().decay(Duration.ofHours(1)).build()) {
            for (int round = 0; round < 300; round++) {
                for (int size : new int[] {100, 1000, 10_000, 100_000}) {
                    burst(pool, size, 50L * size);
                }
                Thread trimming = new Thread(pool::trim);
                trimming.start();
                PoolStats stats;
                do {
                    stats = pool.stats();
                    assertEquals(0, stats.usedBytes(), stats::toString);
                } while (trimming.isAlive());
            }
        }
    }

    @Test
    void residentMemoryFallsAfterABurst() throws InterruptedException {
        try (BufferPool pool = BufferPool.builder().name("burst").maxMemory(600 * MIB).decay(Duration.ofMillis(200)).build()) {
            long before = residentAnonymous();
            CountDownLatch end = new CountDownLatch(1);
            CountDownLatch released = new CountDownLatch(4);
            Thread[] threads = new Thread[4];
            for (int i = 0; i < threads.length; i++) {
                // They stay alive and idle, with what they have at hand.
                int size = 4096 << i;
                threads[i] = new Thread(() -> {
                    burst(pool, size, 100 * MIB);
                    released.countDown();
                    try {
                        end.await();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                });
                threads[i].start();
            }
            released.await();
            assertTrue(pool.stats().peakCommittedBytes() >= 100 * MIB);
            Await.until(() -> pool.stats().committedBytes() == 0, pool::stats);
            assertEquals(0, pool.stats().cachedBytes());
            assertTrue(pool.stats().purgedBytes() >= 100 * MIB);
            // The heap grew by the handles and slots of the burst; a hundred of four hundred MiB is far above that.
            Await.until(() -> residentAnonymous() < before + 200 * MIB,
                () -> "resident: " + residentAnonymous() / MIB + " MiB, before " + before / MIB);
            end.countDown();
            for (Thread thread : threads) {
                thread.join();
            }
        }
    }

    @Test
    void trimGivesEverythingBackNow() {
        try (BufferPool pool = BufferPool.builder().decay(Duration.ofHours(1)).maxMemory(300 * MIB).build()) {
            burst(pool, 10_000, 50 * MIB);
            burst(pool, 3 << 20, 60 * MIB);
            long committed = pool.stats().committedBytes();
            assertTrue(committed >= 50 * MIB);
            assertEquals(committed, pool.trim());
            assertEquals(0, pool.stats().committedBytes());
            assertEquals(0, pool.stats().cachedBytes());
            burst(pool, 10_000, MIB);
        }
    }

    @Test
    void aBusyThreadGivesUpWhatItNoLongerNeeds() {
        int size = 64 << 10;
        try (BufferPool pool = BufferPool.builder().decay(Duration.ofMillis(50)).maxMemory(512 * MIB).build()) {
            // A thread that is kept from running for the decay time counts as idle, and is left with nothing.
            Await.until(() -> {
                burst(pool, size, 4 * MIB);
                return pool.stats().magazineBytes() >= MIB;
            }, pool::stats);
            Await.until(() -> {
                for (int i = 0; i < 100; i++) {
                    pool.allocate(size).release();
                }
                return pool.stats().magazineBytes() <= 2 * size && pool.stats().cachedBytes() <= MIB / 2;
            }, pool::stats);
        }
    }

    @Test
    void parkedSlotsDisappear() {
        try (BufferPool pool = BufferPool.builder().decay(Duration.ofMillis(100)).maxMemory(100 * MIB).build()) {
            PooledBuffer buffer = pool.allocate(64);
            SlotTable table = buffer.core().table();
            buffer.release();
            // They disappear while the burst goes on, if this thread is slow.
            int[] most = {0};
            Await.until(() -> {
                burst(pool, 64, MIB);
                most[0] = Math.max(most[0], table.parked());
                return most[0] > 10_000;
            }, () -> "parked at most " + most[0]);
            Await.until(() -> table.parked() == 0, () -> "parked " + table.parked());
        }
    }
}
