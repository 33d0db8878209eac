package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.lang.reflect.Field;
import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** How long a magazine lives, what it holds meanwhile, and what holds it. */
class MagazinesTest {
    private static final long MIB = 1 << 20;

    private static BufferPool pool(Duration decay) {
        return BufferPool.builder().name("magazines").maxMemory(64 * MIB).decay(decay).build();
    }

    private static Field accessible(Object object, String name) throws NoSuchFieldException {
        Field field = object.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return field;
    }

    @Test
    void tasksOfTheCommonPoolLeaveNoMagazines() {
        try (BufferPool pool = pool(Duration.ofHours(1))) {
            for (int i = 0; i < 1000; i++) {
                ForkJoinPool.commonPool().submit(() -> pool.allocate(4096).release()).join();
            }
            // Of its threads, some may have ended meanwhile and others come; and this one helps.
            int threads = 2 * ForkJoinPool.getCommonPoolParallelism() + 10;
            assertTrue(pool.stats().magazines() <= threads, () -> pool.stats().toString());
        }
    }

    @Test
    void anIdleOneIsRetiredAndItsOwnerOpensAnother() throws InterruptedException {
        try (BufferPool pool = pool(Duration.ofMillis(50))) {
            Threads.run(3, index -> {
                for (int round = 1; round <= 3; round++) {
                    PooledBuffer kept = pool.allocate(1000);
                    pool.allocate(3 << 20).release();
                    Await.until(() -> pool.stats().magazines() == 0, pool::stats);
                    kept.release();
                }
            });
            Await.until(() -> pool.stats().magazines() == 0, pool::stats);
            PoolStats stats = pool.stats();
            assertEquals(18, stats.allocations());
            assertEquals(18, stats.releases(), "the counts of retired magazines stay");
            assertEquals(0, stats.usedBytes());
            assertEquals(0, stats.magazineBytes());
        }
    }

    @Test
    void aLiveBufferKeepsNeitherTheThreadNorItsContextClassLoader() throws Exception {
        try (BufferPool pool = pool(Duration.ofHours(1))) {
            List<PooledBuffer> live = new ArrayList<>();
            List<WeakReference<?>> gone = allocateOnAnotherThread(pool, live);
            Await.untilCollected(() -> gone.stream().allMatch(each -> each.get() == null), () -> "still there: " + gone);
            live.get(0).byteBuffer().put(0, (byte) 1);
            live.get(0).release();
        }
    }

    private static List<WeakReference<?>> allocateOnAnotherThread(BufferPool pool, List<PooledBuffer> live) throws Exception {
        URLClassLoader loader = new URLClassLoader(new URL[0]);
        Thread thread = new Thread(() -> live.add(pool.allocate(4096)));
        thread.setContextClassLoader(loader);
        thread.start();
        thread.join();
        loader.close();
        return List.of(new WeakReference<>(thread), new WeakReference<>(loader));
    }

    @Test
    void oneWhoseOwnerWasInsideWhenThePoolWasClosedIsEmptiedLater() throws Exception {
        BufferPool pool = pool(Duration.ofHours(1));
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        Thread owner = new Thread(() -> {
            List<PooledBuffer> some = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                some.add(pool.allocate(1000));
            }
            some.forEach(PooledBuffer::release);
            try {
                // As if the thread was descheduled in the middle of a step.
                Magazine magazine = pool.core().magazines().find(Thread.currentThread());
                Field sequence = accessible(magazine, "sequence");
                long outside = sequence.getLong(magazine);
                sequence.setLong(magazine, outside + 1);
                inside.countDown();
                closed.await();
                sequence.setLong(magazine, outside + 2);
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        owner.start();
        inside.await();
        pool.close();
        assertTrue(pool.stats().committedBytes() > 0, "the test's thread was not inside");
        closed.countDown();
        Await.until(() -> pool.stats().committedBytes() == 0, pool::stats);
        owner.join();
    }

    @Test
    void oneGrowsAsFarAsTheOthersLeaveRoom() {
        int sizeClass = SizeClass.of(1024);
        long room = 32 << 10;
        try (BufferPool pool = pool(Duration.ofHours(1))) {
            Exchange exchange = new Exchange(pool.core(), pool.core().nativePool(), pool.core().table());
            Magazine magazine = new Magazine(Thread.currentThread(), MIB, new AtomicLong(room));
            List<Slot> slots = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                slots.add(magazine.refill(exchange, sizeClass));
            }
            slots.forEach(slot -> magazine.flush(exchange, slot));
            long bytes = magazine.bytes();
            magazine.drainLocked(exchange);
            assertTrue(bytes > 0 && bytes <= room, () -> bytes + " bytes where there is room for " + room);
        }
    }

    @Test
    void allTogetherHoldAQuarterOfTheLimit() throws InterruptedException {
        int size = 16 << 10;
        try (BufferPool pool = pool(Duration.ofHours(1))) {
            CountDownLatch measured = new CountDownLatch(1);
            int threads = 24;
            CountDownLatch full = new CountDownLatch(threads);
            Thread[] running = new Thread[threads];
            for (int i = 0; i < threads; i++) {
                running[i] = new Thread(() -> {
                    for (int round = 0; round < 200; round++) {
                        List<PooledBuffer> some = new ArrayList<>();
                        for (int j = 0; j < 64; j++) {
                            PooledBuffer buffer = pool.tryAllocate(size);
                            if (buffer != null) {
                                some.add(buffer);
                            }
                        }
                        some.forEach(PooledBuffer::release);
                    }
                    full.countDown();
                    try {
                        measured.await();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                });
                running[i].start();
            }
            full.await();
            // Two that look at once may both take the last step.
            long bound = 16 * MIB + (long) threads * 8 * size;
            long bytes = pool.stats().magazineBytes();
            measured.countDown();
            for (Thread thread : running) {
                thread.join();
            }
            assertTrue(bytes <= bound, () -> bytes + " bytes in magazines, more than " + bound);
            assertTrue(bytes >= 4 * MIB, () -> bytes + " bytes in magazines show nothing");
        }
    }
}
