package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The thread that does what time asks for is there whenever there is something to do, whatever happened. */
class HousekeeperTest {
    private static BufferPool pool(String name, boolean checked) {
        Duration decay = Duration.ofMillis(100);
        return BufferPool.builder().name(name).maxMemory(32 << 20).decay(decay).checked(checked).build();
    }

    /** What is thrown for whatever it wants to say. */
    private static Handler throwing() {
        return new Handler() {
            @Override
            public void publish(LogRecord record) {
                if (isHousekeeper(Thread.currentThread())) {
                    throw new OutOfMemoryError("of the test");
                }
            }

            @Override
            public void flush() {
            }

            @Override
            public void close() {
            }
        };
    }

    private static boolean isHousekeeper(Thread thread) {
        return thread.getName().equals("millpond-housekeeper");
    }

    private static boolean isThere() {
        return Thread.getAllStackTraces().keySet().stream().anyMatch(HousekeeperTest::isHousekeeper);
    }

    private static void forget(BufferPool pool, int count) {
        for (int i = 0; i < count; i++) {
            pool.allocate(1000 + i).byteBuffer().put(0, (byte) i);
        }
    }

    @Test
    void anErrorDoesNotEndItNorOneInSayingSo() {
        Logger logger = Logger.getLogger("io.millpond");
        Handler handler = throwing();
        logger.addHandler(handler);
        try (BufferPool checked = pool("loud", true)) {
            // Forgotten buffers of a checked pool are logged, and so are errors.
            forget(checked, 3);
            Await.untilCollected(() -> checked.stats().forgottenBuffers() == 3, checked::stats);
            assertEquals(0, checked.stats().usedBytes());
            try (BufferPool pool = pool("quiet", false)) {
                forget(pool, 3);
                Await.untilCollected(() -> pool.stats().forgottenBuffers() == 3, pool::stats);
                Await.until(() -> pool.stats().committedBytes() == 0, pool::stats);
            }
        } finally {
            logger.removeHandler(handler);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-XX:+UseSerialGC", "-XX:+UseG1GC"})
    void aFullHeapStopsNothing(String collector) throws Exception {
        ForkedJvm jvm = ForkedJvm.run(ForkedJvm.withLibrary("-Xmx32m", collector), FullHeap.class);
        assertEquals(0, jvm.exitStatus, jvm::toString);
        assertTrue(jvm.output.contains("all came back"), jvm::toString);
    }

    /** Forgets buffers, and has no heap for a while. */
    static final class FullHeap {
        private static final int COUNT = 500;
        private static final long FULL_NANOS = Duration.ofSeconds(2).toNanos();

        private FullHeap() {
        }

        public static void main(String[] arguments) {
            BufferPool forgetful = pool("forgetful", false);
            BufferPool idle = pool("idle", false);
            List<PooledBuffer> buffers = new ArrayList<>();
            for (int i = 0; i < COUNT; i++) {
                buffers.add(forgetful.allocate(1000));
                idle.allocate(1000 + 10 * i).release();
            }
            buffers.clear();
            System.out.println("errors: " + fill());
            Await.untilCollected(() -> forgetful.stats().forgottenBuffers() == COUNT, forgetful::stats);
            for (BufferPool pool : List.of(forgetful, idle, pool("new", false))) {
                pool.allocate(30_000).release();
                Await.until(() -> pool.stats().committedBytes() == 0, pool::stats);
            }
            System.out.println("all came back");
        }

        /** As full as can be, down to single words, again and again. Returns how many errors there were. */
        private static int fill() {
            Object[] kept = null;
            int errors = 0;
            long start = System.nanoTime();
            int size = 1 << 16;
            while (System.nanoTime() - start < FULL_NANOS) {
                try {
                    kept = new Object[] {kept, size > 0 ? new byte[size] : null};
                } catch (OutOfMemoryError e) {
                    errors++;
                    size /= 16;
                }
            }
            return kept == null ? 0 : errors;
        }
    }

    private static void assertSays(String line, Class<?> program) throws Exception {
        ForkedJvm jvm = ForkedJvm.run(ForkedJvm.withLibrary(), program);
        assertEquals(0, jvm.exitStatus, jvm::toString);
        assertTrue(jvm.output.contains(line), jvm::toString);
    }

    @Test
    void itEndsWhenNothingIsLeftToDoAndComesBack() throws Exception {
        assertSays("came and went", Rests.class);
    }

    @Test
    void whoeverReleasesSomethingBringsItBack() throws Exception {
        assertSays("brought back each time", ReleasesLate.class);
    }

    /** Releases the last buffer when nobody is there any more: one too large for magazines, and one of a checked pool. */
    static final class ReleasesLate {
        private ReleasesLate() {
        }

        public static void main(String[] arguments) throws Exception {
            for (boolean checked : new boolean[] {false, true}) {
                BufferPool pool = pool("late", checked);
                PooledBuffer live = pool.allocate(3 << 20);
                Await.until(() -> !isThere(), pool::stats);
                Threads.runOne(index -> live.release());
                if (!isThere()) {
                    throw new AssertionError("nobody looks after " + pool.stats());
                }
                Await.until(() -> !isThere(), pool::stats);
                PoolStats stats = pool.stats();
                if (stats.committedBytes() > 0) {
                    throw new AssertionError("it was not done: " + stats);
                }
                pool.close();
            }
            System.out.println("brought back each time");
        }
    }

    /** Uses a pool, and rests; a live buffer needs nobody. */
    static final class Rests {
        private Rests() {
        }

        public static void main(String[] arguments) {
            BufferPool pool = pool("resting", false);
            PooledBuffer live = pool.allocate(100);
            for (int round = 0; round < 2; round++) {
                pool.allocate(1000).release();
                pool.allocate(5 << 20).release();
                if (!isThere()) {
                    throw new AssertionError("nobody looks after " + pool.stats());
                }
                Await.until(() -> !isThere(), pool::stats);
                PoolStats stats = pool.stats();
                if (stats.magazines() > 0 || stats.cachedBytes() > 0 || stats.usedBytes() > 1024) {
                    throw new AssertionError("it was not done: " + stats);
                }
            }
            live.release();
            pool.close();
            Await.until(() -> !Housekeeper.knows(pool.core()), pool::stats);
            Await.until(() -> !isThere(), pool::stats);
            System.out.println("came and went");
        }
    }
}
