package io.millpond;

import java.time.Duration;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Live buffers with a mark in each that nobody else has: who finds another one there has a block that was handed out twice.
 * For one thread. Errors of the JVM may strike at any point of it: a buffer that is in hand then is forgotten.
 */
final class Marked {
    private static final int[] SIZES = {64, 1000, 4096, 65_536, 1 << 20, 3 << 20};
    private static final int LIVE_MAX = 100;
    private static final AtomicLong NEXT = new AtomicLong();

    private final BufferPool pool;
    private final Random random;
    private final PooledBuffer[] buffers = new PooledBuffer[LIVE_MAX];
    private final long[] marks = new long[LIVE_MAX];
    private int live;

    Marked(BufferPool pool, long seed) {
        this.pool = pool;
        this.random = new Random(seed);
    }

    /** Allocates one or releases one. */
    void step() {
        if (random.nextBoolean()) {
            allocate();
        } else {
            release();
        }
    }

    void allocate() {
        if (live < LIVE_MAX) {
            long mark = NEXT.incrementAndGet();
            PooledBuffer buffer = pool.tryAllocate(SIZES[random.nextInt(SIZES.length)]);
            if (buffer != null) {
                buffer.byteBuffer().putLong(0, mark);
                buffers[live] = buffer;
                marks[live] = mark;
                live++;
            }
        }
    }

    void release() {
        if (live > 0) {
            live--;
            PooledBuffer buffer = buffers[live];
            buffers[live] = null;
            if (buffer.byteBuffer().getLong(0) != marks[live]) {
                System.out.println("somebody else has the same block");
                Runtime.getRuntime().halt(9);
            }
            buffer.release();
        }
    }

    void releaseAll() {
        while (live > 0) {
            release();
        }
    }

    /** What a pool must still be able to do when all that was done to it is over. Says "survived" in the end. */
    static void survive(BufferPool pool) throws InterruptedException {
        Threads.run(3, index -> {
            Marked marked = new Marked(pool, index);
            for (int i = 0; i < 3000; i++) {
                marked.step();
            }
            marked.releaseAll();
        });
        // What is committed is one figure; what is used is told from several, and too low while slots are on their way.
        Await.untilCollected(() -> {
            pool.trim();
            return pool.stats().committedBytes() == 0;
        }, pool::stats);
        PoolStats stats = pool.stats();
        if (stats.usedBytes() != 0 || stats.liveBuffers() != 0 || stats.badFrees() != 0) {
            throw new AssertionError(stats);
        }
        pool.close();
        try (BufferPool next = BufferPool.builder().decay(Duration.ofMillis(20)).build()) {
            next.allocate(100).release();
            // The housekeeper is there.
            Await.until(() -> next.stats().committedBytes() == 0, next::stats);
        }
        System.out.println("survived " + stats);
    }
}
