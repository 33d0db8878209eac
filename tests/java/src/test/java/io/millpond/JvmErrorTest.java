package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.ref.Reference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Errors that the JVM raises at any call, at any allocation, at any instruction: nothing is lost, and nothing dies of them. */
class JvmErrorTest {
    private static final int SOAK_RUNS = 50;

    private static void survives(Class<?> main, List<String> flags, String... arguments) throws Exception {
        List<String> all = ForkedJvm.withLibrary("-XX:ErrorFile=/dev/null", "-XX:-CreateCoredumpOnCrash");
        all.addAll(flags);
        ForkedJvm forked = ForkedJvm.run(all, main, arguments);
        assertEquals(0, forked.exitStatus, forked::toString);
        assertTrue(forked.output.contains("survived"), forked::toString);
    }

    @ParameterizedTest
    @CsvSource({"256, -Xint", "512, -XX:TieredStopAtLevel=1", "1024, -XX:+TieredCompilation"})
    void theEndOfTheStack(String stackKib, String compiler) throws Exception {
        survives(EndOfStack.class, List.of(compiler), stackKib, "7");
    }

    @Tag("soak")
    @ParameterizedTest
    @CsvSource({
        "256, -Xint", "512, -Xint", "1024, -Xint",
        "256, -XX:TieredStopAtLevel=1", "512, -XX:TieredStopAtLevel=1", "1024, -XX:TieredStopAtLevel=1",
        "256, -XX:-TieredCompilation", "512, -XX:-TieredCompilation", "1024, -XX:-TieredCompilation",
        "256, -XX:+TieredCompilation", "512, -XX:+TieredCompilation", "1024, -XX:+TieredCompilation"})
    void theEndOfTheStackForLong(String stackKib, String compiler) throws Exception {
        for (int i = 0; i < SOAK_RUNS; i++) {
            survives(EndOfStack.class, List.of(compiler), stackKib, "7");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = "-XX:+UseSerialGC")
    void aFullHeap(String collector) throws Exception {
        survives(FullHeap.class, List.of("-Xmx24m", collector), "24");
    }

    @Tag("soak")
    @ParameterizedTest
    @ValueSource(strings = {"-XX:+UseSerialGC", "-XX:+UseG1GC", "-XX:+UseParallelGC", "-XX:+UseZGC"})
    void aFullHeapForLong(String collector) throws Exception {
        for (int i = 0; i < SOAK_RUNS; i++) {
            survives(FullHeap.class, List.of("-Xmx32m", collector), "100");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-XX:+UseSerialGC", "-XX:+UseG1GC"})
    void aFullHeapAtTheLimit(String collector) throws Exception {
        survives(FullHeapAtTheLimit.class, List.of("-Xmx8m", collector));
    }

    @Test
    void threadsThatAreStopped() throws Exception {
        assumeTrue(Runtime.version().feature() < 20, "threads cannot be stopped any more");
        survives(Stopped.class, List.of(), "100");
    }

    @Tag("soak")
    @Test
    void threadsThatAreStoppedForLong() throws Exception {
        assumeTrue(Runtime.version().feature() < 20, "threads cannot be stopped any more");
        for (int i = 0; i < SOAK_RUNS; i++) {
            survives(Stopped.class, List.of(), "1000");
        }
    }

    /** A pool that is full. Who waits for it in vain leaves nothing behind, whatever error ends that. */
    static final class Full {
        private static final int SIZE = 6 << 20;
        private static final Duration TIMEOUT = Duration.ofNanos(1000);

        private final BufferPool pool = BufferPool.builder().maxMemory(8 << 20).decay(Duration.ofMillis(50)).build();
        private PooledBuffer held = pool.allocate(SIZE);

        void await() {
            if (pool.core().isBypassed()) {
                System.out.println("nobody waits, and the caches are bypassed");
                Runtime.getRuntime().halt(8);
            }
            try {
                pool.allocate(SIZE, TIMEOUT).release();
                System.out.println("there was no room, and a buffer");
                Runtime.getRuntime().halt(7);
            } catch (PoolExhaustedException e) {
                // As it should be.
            } catch (InterruptedException e) {
                throw new AssertionError("nobody interrupts this", e);
            }
        }

        void close() {
            held.release();
            pool.close();
            PoolStats stats = pool.stats();
            if (stats.badFrees() != 0 || stats.usedBytes() != 0) {
                throw new AssertionError(stats);
            }
        }
    }

    /** Calls the pool at every depth of the stack, from its end on upwards. */
    static final class EndOfStack {
        /** More stack than the pool asks for, in frames. */
        private static final int FRAMES = 1500;

        private final BufferPool pool;
        private final Marked marked;
        private final int kind;
        private final Full full = new Full();
        private BufferPool other;

        private EndOfStack(BufferPool pool, int round) {
            this.pool = pool;
            this.marked = new Marked(pool, round);
            this.kind = round % 7;
        }

        public static void main(String[] arguments) throws Exception {
            BufferPool pool = BufferPool.builder().maxMemory(256 << 20).decay(Duration.ofMillis(50)).build();
            int rounds = Integer.parseInt(arguments[1]);
            for (int round = 0; round < rounds; round += 2) {
                List<Thread> threads = new ArrayList<>();
                for (int i = round; i < Math.min(round + 2, rounds); i++) {
                    int number = i;
                    threads.add(new Thread(null, () -> new EndOfStack(pool, number).run(), "deep",
                        Long.parseLong(arguments[0]) << 10));
                }
                threads.forEach(Thread::start);
                for (Thread thread : threads) {
                    thread.join();
                }
            }
            Marked.survive(pool);
        }

        private void run() {
            for (int i = 0; i < 2; i++) {
                for (int n = 0; n < 20; n++) {
                    marked.step();
                }
                dive();
            }
            marked.releaseAll();
            full.await();
            full.close();
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
                    call(frames);
                } catch (StackOverflowError e) {
                    // As it should be.
                }
            }
            return frames;
        }

        private void call(int frames) {
            switch (kind) {
                case 0 -> marked.allocate();
                case 1 -> marked.release();
                case 2 -> pool.stats();
                case 3 -> {
                    if (frames % 20 == 0) {
                        pool.trim();
                    }
                }
                case 4 -> closeAnother();
                case 5 -> full.await();
                default -> marked.step();
            }
            if (frames % 4 == 0) {
                marked.step();
            }
        }

        private void closeAnother() {
            if (other == null) {
                other = BufferPool.builder().decay(Duration.ofMillis(50)).build();
                other.allocate(1000).release();
            }
            other.close();
            other = null;
        }
    }

    /** Waits for room in the Java heap. What filled it is garbage by now; G1 may need a while to see that, and refuses all. */
    private static final class HeapRoom {
        private static volatile byte[] probe;

        private HeapRoom() {
        }

        static void await(int bytes) {
            while (probe == null) {
                try {
                    probe = new byte[bytes];
                } catch (OutOfMemoryError e) {
                    Thread.onSpinWait();
                }
            }
            probe = null;
        }
    }

    /** Fills the Java heap and then makes room bit by bit, so that each allocation is once the first that fails. */
    static final class FullHeap {
        private FullHeap() {
        }

        public static void main(String[] arguments) throws Exception {
            BufferPool pool = BufferPool.builder().maxMemory(64 << 20).decay(Duration.ofMillis(50)).build();
            Marked marked = new Marked(pool, 1);
            Full full = new Full();
            full.await();
            int steps = Integer.parseInt(arguments[0]);
            for (int size = 1 << 16; size > 8; size >>= 4) {
                try {
                    round(pool, marked, full, size, steps / 4);
                } catch (OutOfMemoryError e) {
                    // Found by what this class itself does.
                }
                HeapRoom.await(8 << 20);
                marked.releaseAll();
            }
            full.await();
            full.close();
            Marked.survive(pool);
        }

        private static void round(BufferPool pool, Marked marked, Full full, int size, int steps) {
            Object[] hog = fill(size);
            for (int step = 0; step < steps; step++) {
                attempt(pool, marked, full, step);
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

        private static void attempt(BufferPool pool, Marked marked, Full full, int step) {
            for (int call = 0; call < 12; call++) {
                try {
                    switch (call) {
                        case 9 -> pool.stats();
                        case 10 -> {
                            if (step % 5 == 0) {
                                pool.trim();
                            }
                        }
                        case 11 -> full.await();
                        default -> marked.step();
                    }
                } catch (OutOfMemoryError e) {
                    // As it should be.
                }
            }
        }
    }

    /** Waits in vain with so much heap that each allocation of a wait is once the first that fails. */
    static final class FullHeapAtTheLimit {
        private static final int ROUNDS = 20;

        private FullHeapAtTheLimit() {
        }

        public static void main(String[] arguments) throws InterruptedException {
            Full full = new Full();
            full.await();
            for (int i = 0; i < ROUNDS; i++) {
                try {
                    round(full);
                } catch (OutOfMemoryError e) {
                    // Found by what this class itself does.
                }
                HeapRoom.await(1 << 20);
                serve(full);
            }
            full.await();
            full.close();
            System.out.println("survived");
        }

        /** One waits, and is given room by another one who has no heap. */
        private static void serve(Full full) throws InterruptedException {
            Thread waiter = new Thread(() -> {
                try {
                    full.pool.allocate(Full.SIZE, Duration.ofHours(1)).release();
                } catch (OutOfMemoryError e) {
                    // It is he who needs some.
                } catch (InterruptedException e) {
                    throw new AssertionError("nobody interrupts this", e);
                }
            });
            waiter.start();
            Await.until(() -> full.pool.core().waiting() == 1, full.pool::stats);
            release(full.held);
            HeapRoom.await(1 << 20);
            waiter.join();
            full.held = full.pool.allocate(Full.SIZE);
        }

        private static void release(PooledBuffer buffer) {
            Object[] hog = FullHeap.fill(1);
            buffer.release();
            Reference.reachabilityFence(hog);
        }

        private static void round(Full full) {
            Object[] hog = FullHeap.fill(1);
            while (hog != null && hog.length <= 16) {
                try {
                    full.await();
                } catch (OutOfMemoryError e) {
                    // As it should be.
                }
                hog = (Object[]) hog[0];
            }
        }
    }

    /** Stops threads wherever they are. A block that is in hand at that moment may be lost, and nothing else. */
    static final class Stopped {
        private Stopped() {
        }

        @SuppressWarnings({"removal", "deprecation"})
        public static void main(String[] arguments) throws Exception {
            BufferPool pool = BufferPool.builder().maxMemory(1 << 30).decay(Duration.ofMillis(20)).build();
            Random random = new Random();
            int stops = Integer.parseInt(arguments[0]);
            // A class whose initializer was stopped could never be used again.
            Marked other = new Marked(pool, -1);
            for (int i = 0; i < 100; i++) {
                other.step();
            }
            for (int i = 0; i < stops; i++) {
                int seed = i;
                Thread thread = new Thread(() -> {
                    Marked marked = new Marked(pool, seed);
                    while (true) {
                        marked.step();
                    }
                });
                thread.setUncaughtExceptionHandler((stopped, error) -> { });
                thread.start();
                long end = System.nanoTime() + random.nextInt(4_000_000);
                while (System.nanoTime() < end) {
                    Thread.onSpinWait();
                }
                thread.stop();
                thread.join();
            }
            for (int i = 0; i < 3000; i++) {
                other.step();
            }
            other.releaseAll();
            long most = stops * (3L << 20) / 50;
            Await.untilCollected(() -> pool.stats().usedBytes() <= most, pool::stats);
            pool.trim();
            pool.close();
            PoolStats stats = pool.stats();
            if (stats.badFrees() != 0 || stats.committedBytes() > most) {
                throw new AssertionError(stats);
            }
            System.out.println("survived " + stats);
        }
    }
}
