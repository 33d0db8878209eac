package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Virtual threads, by reflection, because the tests are compiled for Java 17. */
class VirtualThreadsTest {
    private static Method start;

    @BeforeAll
    static void find() {
        try {
            start = Thread.class.getMethod("startVirtualThread", Runnable.class);
        } catch (NoSuchMethodException e) {
            start = null;
        }
        assumeTrue(start != null && Runtime.version().feature() >= 21, "virtual threads come with Java 21");
    }

    private static void runAll(int count, Threads.Body body) throws Exception {
        ConcurrentLinkedQueue<Throwable> errors = new ConcurrentLinkedQueue<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int index = i;
            threads.add((Thread) start.invoke(null, (Runnable) () -> {
                try {
                    body.run(index);
                } catch (Throwable e) {
                    errors.add(e);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(List.of(), List.copyOf(errors));
    }

    @Test
    void tenThousandCostNoMemoryEach() throws Exception {
        try (BufferPool pool = BufferPool.builder().name("virtual").maxMemory(256 << 20).decay(Duration.ofSeconds(1)).build()) {
            runAll(10_000, index -> {
                for (int i = 0; i < 20; i++) {
                    PooledBuffer buffer = pool.allocate(64 + 97 * i);
                    buffer.byteBuffer().putInt(0, index);
                    if (i % 5 == 0) {
                        // It may go on with another carrier.
                        Thread.sleep(1);
                    }
                    assertEquals(index, buffer.byteBuffer().getInt(0));
                    buffer.release();
                }
            });
            PoolStats stats = pool.stats();
            assertEquals(200_000, stats.allocations());
            assertEquals(200_000, stats.releases());
            assertEquals(0, stats.usedBytes(), stats::toString);
            assertTrue(stats.magazines() <= 16 + 1, () -> "magazines: " + stats.magazines());
            assertEquals(0, stats.threadCaches(), "a carrier got a native cache");
            Await.until(() -> pool.stats().committedBytes() == 0, pool::stats);
        }
    }

    @Test
    void buffersGoBetweenVirtualAndPlatformThreads() throws Exception {
        try (BufferPool pool = BufferPool.builder().maxMemory(64 << 20).build()) {
            AtomicReference<PooledBuffer> handed = new AtomicReference<>();
            for (int size : new int[] {100, 100_000, 3 << 20}) {
                runAll(1, index -> handed.set(pool.allocate(size)));
                handed.get().byteBuffer().put(0, (byte) 1);
                handed.get().release();
                PooledBuffer mine = pool.allocate(size);
                runAll(1, index -> mine.release());
            }
            assertEquals(0, pool.stats().liveBuffers());
            assertEquals(0, pool.stats().usedBytes());
        }
    }

    /** Shared magazines that somebody empties all the time: no slot may be lost or handed out twice. */
    @Test
    void sharedMagazinesAreDrainedUnderTheirUsersHands() throws Exception {
        try (BufferPool pool = BufferPool.builder().maxMemory(64 << 20).decay(Duration.ofSeconds(100)).build()) {
            AtomicBoolean over = new AtomicBoolean();
            Thread trimmer = new Thread(() -> {
                while (!over.get()) {
                    pool.trim();
                }
            });
            trimmer.start();
            try {
                runAll(16, index -> {
                    PooledBuffer[] held = new PooledBuffer[8];
                    for (int round = 0; round < 20_000; round++) {
                        takeAndPut(pool, held, 100L * index);
                    }
                });
            } finally {
                over.set(true);
                trimmer.join();
            }
            PoolStats stats = pool.stats();
            assertEquals(16 * 20_000 * 8, stats.allocations());
            assertEquals(stats.allocations(), stats.releases());
            assertEquals(0, stats.usedBytes(), stats::toString);
            assertEquals(0, stats.badFrees(), stats::toString);
            pool.trim();
            assertEquals(0, pool.stats().cachedBytes(), pool.stats()::toString);
        }
    }

    private static void takeAndPut(BufferPool pool, PooledBuffer[] held, long mark) {
        for (int i = 0; i < held.length; i++) {
            held[i] = pool.allocate(256);
            held[i].byteBuffer().putLong(0, mark + i);
        }
        for (int i = 0; i < held.length; i++) {
            assertEquals(mark + i, held[i].byteBuffer().getLong(0), "somebody else has the same block");
            held[i].release();
        }
    }

    @Test
    void aClosedPoolRefusesThem() throws Exception {
        BufferPool pool = BufferPool.builder().build();
        runAll(4, index -> pool.allocate(100).release());
        pool.close();
        runAll(4, index -> {
            try {
                pool.allocate(100);
                throw new AssertionError("allocated from a closed pool");
            } catch (IllegalStateException e) {
                assertTrue(e.getMessage().contains("closed"));
            }
        });
        assertEquals(0, pool.stats().cachedBytes());
    }
}
