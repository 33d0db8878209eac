package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Many threads at once, each buffer with a pattern that nobody else writes. */
class StressTest {
    private static final AtomicLong NEXT = new AtomicLong();

    /** A live buffer and what was written into it. */
    private static final class Marked {
        final PooledBuffer buffer;
        final long mark = NEXT.incrementAndGet();

        Marked(PooledBuffer buffer) {
            this.buffer = buffer;
            ByteBuffer bytes = buffer.byteBuffer();
            for (int at = 0; at + 8 <= bytes.capacity(); at += 1024) {
                bytes.putLong(at, mark + at);
            }
            if (bytes.capacity() >= 8) {
                bytes.putLong(bytes.capacity() - 8, mark);
            }
        }

        void verifyAndRelease() {
            ByteBuffer bytes = buffer.byteBuffer();
            for (int at = 0; at + 8 <= bytes.capacity() - 8; at += 1024) {
                assertEquals(mark + at, bytes.getLong(at));
            }
            if (bytes.capacity() >= 8) {
                assertEquals(mark, bytes.getLong(bytes.capacity() - 8));
            }
            buffer.release();
        }
    }

    private static int size(Random random) {
        return (int) Math.min(3 << 20, Math.exp(random.nextGaussian() * 2 + 7));
    }

    private static void stress(Duration duration, int threads) throws InterruptedException {
        try (BufferPool pool = BufferPool.builder().name("stress").maxMemory(512 << 20).decay(Duration.ofMillis(20)).build()) {
            // Buffers change hands here: what one thread allocates, another one verifies and releases.
            AtomicReferenceArray<Marked> table = new AtomicReferenceArray<>(2000);
            long end = System.nanoTime() + duration.toNanos();
            AtomicBoolean over = new AtomicBoolean();
            Threads.run(threads + 1, index -> {
                if (index == threads) {
                    disturb(pool, over, end);
                    return;
                }
                Random random = ThreadLocalRandom.current();
                while (System.nanoTime() < end && !over.get()) {
                    exchange(pool, table, random);
                }
                over.set(true);
            });
            for (int i = 0; i < table.length(); i++) {
                if (table.get(i) != null) {
                    table.get(i).verifyAndRelease();
                }
            }
            PoolStats stats = pool.stats();
            assertEquals(0, stats.liveBuffers(), stats::toString);
            assertEquals(0, stats.usedBytes(), stats::toString);
            assertEquals(0, stats.badFrees(), stats::toString);
            assertEquals(0, stats.forgottenBuffers(), stats::toString);
            assertEquals(stats.allocations(), stats.releases());
        }
    }

    private static void exchange(BufferPool pool, AtomicReferenceArray<Marked> table, Random random) {
        for (int i = 0; i < 100; i++) {
            PooledBuffer buffer = pool.tryAllocate(size(random));
            Marked mine = buffer == null ? null : new Marked(buffer);
            Marked other = table.getAndSet(random.nextInt(table.length()), mine);
            if (other != null) {
                other.verifyAndRelease();
            }
        }
    }

    private static void disturb(BufferPool pool, AtomicBoolean over, long end) {
        for (int i = 0; System.nanoTime() < end && !over.get(); i++) {
            pool.trim();
            if (i % 50 == 0) {
                System.gc();
            }
            Await.pause();
        }
        over.set(true);
    }

    @Test
    void nothingIsHandedOutTwice() throws InterruptedException {
        stress(Duration.ofSeconds(5), 4);
    }

    @Test
    @Tag("soak")
    void nothingIsHandedOutTwiceForLong() throws InterruptedException {
        stress(Duration.ofSeconds(Long.parseLong(System.getenv().getOrDefault("SOAK_SECONDS", "600"))), 8);
    }

    /**
     * Owners at full speed on their fast path, and somebody who empties their magazines all the time: no slot may be lost or
     * handed out twice. A word in each buffer says whether it is out.
     */
    @Test
    void magazinesAreDrainedUnderTheirOwnersHands() throws InterruptedException {
        try (BufferPool pool = BufferPool.builder().name("drained").maxMemory(64 << 20).decay(Duration.ofSeconds(100)).build()) {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(4);
            int owners = 2;
            AtomicBoolean over = new AtomicBoolean();
            Threads.run(owners + 1, index -> {
                if (index == owners) {
                    while (System.nanoTime() < end && !over.get()) {
                        pool.trim();
                    }
                    return;
                }
                PooledBuffer[] held = new PooledBuffer[8];
                try {
                    for (long n = 0; System.nanoTime() < end && !over.get(); n++) {
                        takeAndPut(pool, held, 1000L * index + 1);
                    }
                } finally {
                    over.set(true);
                }
            });
            PoolStats stats = pool.stats();
            assertEquals(stats.allocations(), stats.releases());
            assertEquals(0, stats.usedBytes(), stats::toString);
            assertEquals(0, stats.badFrees(), stats::toString);
        }
    }

    private static void takeAndPut(BufferPool pool, PooledBuffer[] held, long mark) {
        for (int round = 0; round < 100; round++) {
            for (int i = 0; i < held.length; i++) {
                held[i] = pool.allocate(256);
                held[i].byteBuffer().putLong(0, mark + i);
            }
            for (int i = 0; i < held.length; i++) {
                assertEquals(mark + i, held[i].byteBuffer().getLong(0), "somebody else has the same block");
                held[i].release();
            }
        }
    }
}
