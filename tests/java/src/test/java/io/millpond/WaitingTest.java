package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Allocations that wait for room. */
class WaitingTest {
    private static final int SIZE = 1 << 20;
    private static final Duration LONG = Duration.ofHours(1);
    private static final Duration FOR_EVER = Duration.ofSeconds(Long.MAX_VALUE);

    private final BufferPool pool = BufferPool.builder().name("narrow").maxMemory(8 << 20).build();
    private final List<PooledBuffer> live = new ArrayList<>();

    private void fill() {
        for (PooledBuffer buffer = pool.tryAllocate(SIZE); buffer != null; buffer = pool.tryAllocate(SIZE)) {
            live.add(buffer);
        }
    }

    @AfterEach
    void close() {
        live.forEach(PooledBuffer::close);
        pool.close();
        assertEquals(0, pool.stats().liveBuffers());
        assertEquals(0, pool.core().waiting());
    }

    private Thread start(Threads.Body body, AtomicReference<Throwable> thrown) {
        Thread thread = new Thread(() -> {
            try {
                body.run(0);
            } catch (Throwable e) {
                thrown.set(e);
            }
        });
        thread.start();
        return thread;
    }

    private void awaitWaiting(int count) {
        Await.until(() -> pool.core().waiting() == count, () -> pool.core().waiting() + " wait");
    }

    @ParameterizedTest
    @ValueSource(ints = {100, SIZE, 3 << 20})
    void whereThereIsRoomNobodyWaits(int size) throws InterruptedException {
        for (Duration timeout : List.of(Duration.ZERO, Duration.ofNanos(1), LONG, FOR_EVER)) {
            try (PooledBuffer buffer = pool.allocate(size, timeout)) {
                assertEquals(size, buffer.byteBuffer().remaining());
            }
        }
        assertEquals(4, pool.stats().releases());
    }

    @Test
    void nonsenseIsRefused() {
        String message = assertThrows(IllegalArgumentException.class, () -> pool.allocate(1, Duration.ofNanos(-1))).getMessage();
        assertTrue(message.contains("PT-0.000000001S") && message.contains("negative"), message);
        message = assertThrows(NullPointerException.class, () -> pool.allocate(1, null)).getMessage();
        assertTrue(message.contains("timeout is null"), message);
        assertThrows(IllegalArgumentException.class, () -> pool.allocate(-1, LONG));
    }

    @Test
    void aTimeEnds() {
        fill();
        assertThrows(PoolExhaustedException.class, () -> pool.allocate(SIZE, Duration.ZERO));
        long start = System.nanoTime();
        PoolExhaustedException e = assertThrows(PoolExhaustedException.class, () -> pool.allocate(SIZE, Duration.ofMillis(50)));
        long millis = (System.nanoTime() - start) / 1_000_000;
        assertTrue(millis >= 50, () -> "waited for " + millis + " ms");
        assertTrue(e.getMessage().contains("after waiting PT0.05S") && e.getMessage().contains("'narrow'"), e::getMessage);
    }

    @Test
    void aTimeEndsInTheLineToo() throws InterruptedException {
        fill();
        AtomicReference<Throwable> first = new AtomicReference<>();
        Thread waiting = start(index -> pool.allocate(SIZE, LONG).release(), first);
        awaitWaiting(1);
        assertThrows(PoolExhaustedException.class, () -> pool.allocate(SIZE, Duration.ofMillis(20)));
        live.remove(0).release();
        waiting.join();
        assertEquals(null, first.get());
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 5000, SIZE, 3 << 20})
    void aReleaseEndsTheWait(int size) throws InterruptedException {
        fill();
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        // Another kind of block than those that are released: caches must be given up for it.
        Thread waiting = start(index -> pool.allocate(size, FOR_EVER).release(), thrown);
        if (size >= SIZE) {
            awaitWaiting(1);
        }
        for (int i = 0; i < 4; i++) {
            live.remove(0).release();
        }
        waiting.join();
        assertEquals(null, thrown.get());
    }

    @Test
    void whoCameFirstIsServedFirst() throws InterruptedException {
        fill();
        int count = 6;
        List<Integer> served = Collections.synchronizedList(new ArrayList<>());
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int number = i;
            threads.add(start(index -> {
                PooledBuffer buffer = pool.allocate(SIZE, LONG);
                served.add(number);
                buffer.release();
            }, thrown));
            awaitWaiting(i + 1);
        }
        live.remove(0).release();
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(null, thrown.get());
        assertEquals(List.of(0, 1, 2, 3, 4, 5), served);
    }

    @Test
    void closingEndsAllWaits() throws InterruptedException {
        fill();
        List<AtomicReference<Throwable>> thrown = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            thrown.add(new AtomicReference<>());
            threads.add(start(index -> pool.allocate(SIZE, FOR_EVER), thrown.get(i)));
        }
        awaitWaiting(3);
        pool.close();
        for (int i = 0; i < 3; i++) {
            threads.get(i).join();
            Throwable e = assertInstanceOf(IllegalStateException.class, thrown.get(i).get());
            assertTrue(e.getMessage().contains("closed"), e::getMessage);
        }
    }

    @Test
    void anInterruptEndsAWait() throws InterruptedException {
        fill();
        List<AtomicReference<Throwable>> thrown = List.of(new AtomicReference<>(), new AtomicReference<>());
        List<Thread> threads = new ArrayList<>();
        for (AtomicReference<Throwable> each : thrown) {
            threads.add(start(index -> pool.allocate(SIZE, FOR_EVER), each));
            awaitWaiting(threads.size());
        }
        for (int i = 1; i >= 0; i--) {
            threads.get(i).interrupt();
            threads.get(i).join();
            assertInstanceOf(InterruptedException.class, thrown.get(i).get());
        }
        live.remove(0).release();
        pool.allocate(SIZE).release();
    }

    @Test
    void manyWaitAndAllAreServed() throws InterruptedException {
        Threads.run(8, index -> {
            for (int i = 0; i < 50; i++) {
                PooledBuffer buffer = pool.allocate(3 << 20, LONG);
                buffer.byteBuffer().put(0, (byte) index);
                Thread.yield();
                assertEquals(index, buffer.byteBuffer().get(0));
                buffer.release();
            }
        });
        assertEquals(400, pool.stats().releases());
        assertTrue(pool.stats().peakCommittedBytes() <= 8 << 20, () -> pool.stats().toString());
    }

    /** Turns are counted, not time: after so many others had theirs, the waiter has his. */
    @Test
    void aLargeRequestDoesNotStarveBesideSmallOnes() throws InterruptedException {
        AtomicBoolean over = new AtomicBoolean();
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        List<Thread> others = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            others.add(start(index -> {
                Deque<PooledBuffer> mine = new ArrayDeque<>();
                while (!over.get()) {
                    PooledBuffer next = pool.tryAllocate(SIZE / 2);
                    if (next != null) {
                        mine.add(next);
                    }
                    if (next == null || mine.size() > 6) {
                        PooledBuffer oldest = mine.poll();
                        if (oldest != null) {
                            oldest.release();
                        }
                    }
                }
                mine.forEach(PooledBuffer::release);
            }, thrown));
        }
        for (int i = 0; i < 10; i++) {
            pool.allocate(7 << 20, FOR_EVER).release();
        }
        over.set(true);
        for (Thread other : others) {
            other.join();
        }
        assertEquals(null, thrown.get());
        assertEquals(0, pool.stats().liveBuffers());
    }

    @Test
    void smallRequestsPassALargeOneSoOftenAndThenFail() throws InterruptedException {
        live.add(pool.allocate(6 << 20));
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread large = start(index -> pool.allocate(7 << 20, FOR_EVER).release(), thrown);
        Await.until(() -> pool.core().isBypassed(), pool::stats);
        pool.allocate(64, FOR_EVER).release();
        int passed = 1;
        for (PooledBuffer small = pool.tryAllocate(64); small != null; small = pool.tryAllocate(64)) {
            small.release();
            passed++;
        }
        int passes = passed;
        assertTrue(passes >= 63 && passes <= 64, () -> passes + " passed");
        assertTrue(pool.stats().cachedBytes() == 0, () -> pool.stats().toString());
        String message = assertThrows(PoolExhaustedException.class, () -> pool.allocate(64)).getMessage();
        assertTrue(message.contains("others wait for room (1) and come first"), message);
        live.remove(0).release();
        large.join();
        assertEquals(null, thrown.get());
        assertFalse(pool.core().isBypassed());
        pool.allocate(64).release();
        pool.allocate(64).release();
        assertTrue(pool.stats().cachedBytes() > 0, "caches are used again");
    }

    @Test
    void whatIsAboveTheLimitIsNotWaitedFor() {
        assertThrows(PoolExhaustedException.class, () -> pool.allocate(9 << 20, FOR_EVER));
        assertEquals(1, pool.stats().failures());
    }

    @Test
    void aWaitIsOneFailure() {
        fill();
        long before = pool.stats().failures();
        assertThrows(PoolExhaustedException.class, () -> pool.allocate(SIZE, Duration.ofMillis(50)));
        assertEquals(before + 1, pool.stats().failures());
    }

    @Test
    void membersOfAFamilyWaitInOneLine() throws InterruptedException {
        try (BufferPool one = BufferPool.builder().parent(pool).build();
                BufferPool two = BufferPool.builder().parent(pool).build()) {
            PooledBuffer held = one.allocate(6 << 20);
            AtomicReference<Throwable> thrown = new AtomicReference<>();
            List<Integer> served = Collections.synchronizedList(new ArrayList<>());
            List<Thread> threads = new ArrayList<>();
            for (BufferPool each : List.of(two, one, pool)) {
                int number = threads.size();
                threads.add(start(index -> {
                    PooledBuffer buffer = each.allocate(5 << 20, FOR_EVER);
                    served.add(number);
                    buffer.release();
                }, thrown));
                awaitWaiting(number + 1);
            }
            held.release();
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(null, thrown.get());
            assertEquals(List.of(0, 1, 2), served);
        }
    }

    @Test
    void aPoolThatJoinsAFamilyThatWaitsKeepsNothingEither() throws InterruptedException {
        fill();
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread waiting = start(index -> pool.allocate(SIZE, FOR_EVER).release(), thrown);
        Await.until(() -> pool.core().isBypassed(), pool::stats);
        try (BufferPool child = BufferPool.builder().parent(pool).build()) {
            assertTrue(child.core().isBypassed());
            live.remove(0).release();
            waiting.join();
            assertEquals(null, thrown.get());
            assertFalse(child.core().isBypassed());
        }
    }

    @Test
    void aCheckedPoolIsWaitedForAsWell() throws InterruptedException {
        try (BufferPool strict = BufferPool.builder().checked(true).maxMemory(8 << 20).build()) {
            PooledBuffer held = strict.allocate(6 << 20);
            AtomicReference<Throwable> thrown = new AtomicReference<>();
            Thread waiting = start(index -> strict.allocate(5 << 20, FOR_EVER).release(), thrown);
            Await.until(() -> strict.core().waiting() == 1, strict::stats);
            held.release();
            waiting.join();
            assertEquals(null, thrown.get());
        }
    }
}
