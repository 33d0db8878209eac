package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Where the kernel has no {@code membarrier}, or a sandbox forbids it, all promises are kept, at the price of a lock. */
class WithoutMembarrierTest {
    private static final long MIB = 1 << 20;
    private static final int THREADS = 4;

    @Test
    void whatIdleThreadsHaveAtHandComesBack() throws Exception {
        List<String> flags = ForkedJvm.withLibrary("-Dio.millpond.without-membarrier=true");
        ForkedJvm jvm = ForkedJvm.run(flags, Sandbox.class);
        assertEquals(0, jvm.exitStatus, jvm::toString);
        assertTrue(jvm.output.contains("survived"), jvm::toString);
    }

    /** Threads that fill their magazines and then sleep, and some that do not. */
    static final class Sandbox {
        private Sandbox() {
        }

        public static void main(String[] arguments) throws Exception {
            if (Membarrier.EXISTS) {
                throw new AssertionError("there is a barrier");
            }
            afterSleep("trim", Duration.ofHours(1), BufferPool::trim);
            afterSleep("close", Duration.ofHours(1), BufferPool::close);
            afterSleep("decay", Duration.ofMillis(100), pool ->
                Await.until(() -> pool.stats().committedBytes() == 0 && pool.stats().magazines() == 0, pool::stats));
            try (BufferPool pool = pool(Duration.ofMillis(5))) {
                Marked.survive(pool);
            }
        }

        private static BufferPool pool(Duration decay) {
            return BufferPool.builder().name("sandbox").maxMemory(256 * MIB).decay(decay).build();
        }

        private interface Act {
            void on(BufferPool pool);
        }

        private static void afterSleep(String what, Duration decay, Act act) throws InterruptedException {
            CountDownLatch filled = new CountDownLatch(THREADS);
            CountDownLatch acted = new CountDownLatch(1);
            try (BufferPool pool = pool(decay)) {
                Thread actor = new Thread(() -> {
                    try {
                        filled.await();
                        act.on(pool);
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    } finally {
                        acted.countDown();
                    }
                });
                actor.start();
                Threads.run(THREADS, index -> {
                    fill(pool);
                    if (what.equals("trim") && pool.stats().magazineBytes() < MIB) {
                        throw new AssertionError("the bins are not used: " + pool.stats());
                    }
                    filled.countDown();
                    acted.await();
                    PoolStats stats = pool.stats();
                    if (stats.committedBytes() > 0 || stats.badFrees() > 0) {
                        throw new AssertionError(what + " left something: " + stats);
                    }
                });
                actor.join();
            }
        }

        private static void fill(BufferPool pool) {
            for (int round = 0; round < 100; round++) {
                List<PooledBuffer> some = new ArrayList<>();
                for (int i = 0; i < 40; i++) {
                    some.add(pool.allocate(32 << 10));
                }
                some.forEach(PooledBuffer::release);
            }
        }
    }
}
