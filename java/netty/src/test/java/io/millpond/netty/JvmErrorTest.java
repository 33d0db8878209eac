package io.millpond.netty;

import io.millpond.BufferPool;
import io.millpond.PoolStats;
import io.netty.buffer.ByteBuf;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Errors that the JVM raises anywhere in a call of the allocator or of a buffer: nothing crashes, no block is lost or handed
 * out twice, and the pool goes on working. The core's test of that name does this to the pool itself.
 */
class JvmErrorTest {
    private static final int SOAK_RUNS = 50;

    private static void survives(Class<?> main, List<String> flags, String... arguments) throws Exception {
        // What Netty's detector of leaks does in such moments is not of interest here.
        List<String> all = new ArrayList<>(List.of("-Dio.netty.leakDetection.level=disabled", "-XX:ErrorFile=/dev/null",
            "-XX:-CreateCoredumpOnCrash"));
        all.addAll(flags);
        OwnJvm.run(all, main, Path.of(System.getProperty("io.millpond.native.path")), arguments);
    }

    @ParameterizedTest
    @CsvSource({"256, -Xint", "512, -XX:TieredStopAtLevel=1", "1024, -XX:+TieredCompilation"})
    void theEndOfTheStack(String stackKib, String compiler) throws Exception {
        survives(EndOfStack.class, List.of(compiler), stackKib, "6");
    }

    @Tag("soak")
    @ParameterizedTest
    @CsvSource({
        "256, -Xint", "512, -Xint", "1024, -Xint",
        "256, -XX:TieredStopAtLevel=1", "512, -XX:TieredStopAtLevel=1", "1024, -XX:TieredStopAtLevel=1",
        "256, -XX:-TieredCompilation", "512, -XX:-TieredCompilation", "1024, -XX:-TieredCompilation"})
    void theEndOfTheStackForLong(String stackKib, String compiler) throws Exception {
        for (int i = 0; i < SOAK_RUNS; i++) {
            survives(EndOfStack.class, List.of(compiler), stackKib, "6");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = "-XX:+UseSerialGC")
    void aFullHeap(String collector) throws Exception {
        survives(FullHeap.class, List.of("-Xmx32m", collector), "24");
    }

    @Tag("soak")
    @ParameterizedTest
    @ValueSource(strings = {"-XX:+UseSerialGC", "-XX:+UseG1GC", "-XX:+UseParallelGC", "-XX:+UseZGC"})
    void aFullHeapForLong(String collector) throws Exception {
        for (int i = 0; i < SOAK_RUNS; i++) {
            survives(FullHeap.class, List.of("-Xmx48m", collector), "100");
        }
    }

    /** Live buffers, each with a mark at its start that no other one has. For one thread. */
    private static final class Marked {
        private static final int[] SIZES = {64, 1000, 4096, 65_536, 1 << 20, 3 << 20};
        private static final int LIVE_MAX = 50;
        private static final AtomicLong NEXT = new AtomicLong();

        private final MillpondByteBufAllocator allocator;
        private final Random random;
        private final ByteBuf[] buffers = new ByteBuf[LIVE_MAX];
        private final long[] marks = new long[LIVE_MAX];
        private int live;

        Marked(MillpondByteBufAllocator allocator, long seed) {
            this.allocator = allocator;
            this.random = new Random(seed);
        }

        void step() {
            try {
                switch (random.nextInt(5)) {
                    case 0, 1 -> allocate();
                    case 2 -> resize();
                    default -> release();
                }
            } catch (PoolOutOfMemoryError e) {
                // There is a limit.
            }
        }

        private void allocate() {
            if (live < LIVE_MAX) {
                long mark = NEXT.incrementAndGet();
                ByteBuf buffer = allocator.directBuffer(SIZES[random.nextInt(SIZES.length)]);
                buffer.setLong(0, mark);
                buffers[live] = buffer;
                marks[live] = mark;
                live++;
            }
        }

        /** The same buffer, in another block if it has to be. */
        private void resize() {
            if (live > 0) {
                int index = random.nextInt(live);
                ByteBuf buffer = buffers[index];
                try {
                    buffer.capacity(SIZES[random.nextInt(SIZES.length)]);
                    buffer.retainedSlice(0, Long.BYTES).release();
                } finally {
                    check(buffer, marks[index]);
                }
            }
        }

        private void release() {
            if (live > 0) {
                live--;
                ByteBuf buffer = buffers[live];
                buffers[live] = null;
                check(buffer, marks[live]);
                buffer.release();
            }
        }

        private static void check(ByteBuf buffer, long mark) {
            // A retain without its release, where the error came in between, leaves the buffer alive.
            if (buffer.getLong(0) != mark) {
                System.out.println("somebody else has the same block");
                Runtime.getRuntime().halt(9);
            }
        }

        void releaseAll() {
            while (live > 0) {
                release();
            }
        }
    }

    private static BufferPool pool(long maxMemory) {
        return BufferPool.builder().maxMemory(maxMemory).decay(Duration.ofMillis(50)).build();
    }

    /** In calm, once each, so that no class is initialized for the first time where that cannot end well. */
    private static void rehearse(MillpondByteBufAllocator allocator) {
        Marked marked = new Marked(allocator, 0);
        for (int i = 0; i < 1000; i++) {
            marked.step();
        }
        marked.releaseAll();
        allocator.pool().stats();
        allocator.pool().trim();
    }

    /** What must be possible when all that was done is over. */
    private static void survive(MillpondByteBufAllocator allocator) throws InterruptedException {
        BufferPool pool = allocator.pool();
        Thread thread = new Thread(() -> rehearse(allocator));
        thread.start();
        thread.join();
        rehearse(allocator);
        long end = System.nanoTime() + Duration.ofMinutes(5).toNanos();
        pool.trim();
        while (pool.stats().committedBytes() > 0 && System.nanoTime() < end) {
            System.gc();
            Thread.sleep(10);
            pool.trim();
        }
        PoolStats stats = pool.stats();
        if (stats.usedBytes() != 0 || stats.committedBytes() != 0 || stats.badFrees() != 0) {
            throw new AssertionError(stats);
        }
        pool.close();
        System.out.println(OwnJvm.DONE);
    }

    /** Uses buffers at every depth of the stack, from its end on upwards. */
    static final class EndOfStack {
        /** More stack than the pool asks for, in frames. */
        private static final int FRAMES = 1500;

        private final Marked marked;

        private EndOfStack(MillpondByteBufAllocator allocator, int seed) {
            this.marked = new Marked(allocator, seed);
        }

        public static void main(String[] arguments) throws Exception {
            MillpondByteBufAllocator allocator = new MillpondByteBufAllocator(pool(256 << 20));
            rehearse(allocator);
            for (int round = 0; round < Integer.parseInt(arguments[1]); round++) {
                int seed = round;
                Thread thread = new Thread(null, () -> new EndOfStack(allocator, seed).run(), "deep",
                    Long.parseLong(arguments[0]) << 10);
                thread.start();
                thread.join();
            }
            survive(allocator);
        }

        private void run() {
            for (int i = 0; i < 20; i++) {
                marked.step();
            }
            dive();
            marked.releaseAll();
        }

        /** Returns how many frames this is from the end. */
        private int dive() {
            int frames = 0;
            try {
                frames = dive() + 1;
            } catch (StackOverflowError e) {
                // This is the end.
            }
            if (frames < FRAMES) {
                try {
                    marked.step();
                } catch (StackOverflowError e) {
                    // As it should be.
                }
            }
            return frames;
        }
    }

    /** Fills the Java heap and then makes room bit by bit, so that each allocation is once the first that fails. */
    static final class FullHeap {
        private static final int ROOM = 8 << 20;
        private static volatile byte[] probe;

        private FullHeap() {
        }

        public static void main(String[] arguments) throws Exception {
            MillpondByteBufAllocator allocator = new MillpondByteBufAllocator(pool(64 << 20));
            rehearse(allocator);
            Marked marked = new Marked(allocator, 1);
            int steps = Integer.parseInt(arguments[0]) / 4;
            for (int size = 1 << 16; size > 8; size >>= 4) {
                try {
                    round(marked, size, steps);
                } catch (OutOfMemoryError e) {
                    // Found by what this class itself does.
                }
                awaitRoom();
                marked.releaseAll();
            }
            survive(allocator);
        }

        /** What filled the heap is garbage by now; G1 may need a while to see that, and refuses all. */
        private static void awaitRoom() {
            while (probe == null) {
                try {
                    probe = new byte[ROOM];
                } catch (OutOfMemoryError e) {
                    Thread.onSpinWait();
                }
            }
            probe = null;
        }

        private static void round(Marked marked, int size, int steps) {
            Object[] hog = fill(size);
            for (int step = 0; step < steps; step++) {
                for (int call = 0; call < 12; call++) {
                    try {
                        marked.step();
                    } catch (OutOfMemoryError e) {
                        // As it should be.
                    }
                }
                // One link less of the chain.
                hog = (Object[]) hog[0];
            }
        }

        /** As much as there is, in a chain of links of about so many bytes. */
        private static Object[] fill(int bytes) {
            Object[] chain = null;
            for (int size = 1 << 16; size >= bytes; size >>= 4) {
                try {
                    while (true) {
                        Object[] link = new Object[Math.max(1, size / 4)];
                        link[0] = chain;
                        chain = link;
                    }
                } catch (OutOfMemoryError e) {
                    // Now smaller ones.
                }
            }
            return chain;
        }
    }
}
