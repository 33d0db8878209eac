package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tries to crash JVMs by everything an application may do wrong. */
class CrashTest {
    private static ForkedJvm fork(Class<?> main, String argument) throws Exception {
        // Reports are wanted as errors of this test, not as files.
        return ForkedJvm.run(ForkedJvm.withLibrary("-Xcheck:jni", "-XX:ErrorFile=/dev/null"), main, argument);
    }

    @ParameterizedTest
    @ValueSource(strings = {"open", "closing", "dropped", "checked"})
    void staleBuffersAreHarmlessToTheJvm(String pools) throws Exception {
        ForkedJvm forked = fork(Abuse.class, pools);
        assertEquals(0, forked.exitStatus, forked::toString);
        assertTrue(forked.output.contains("survived"), forked::toString);
    }

    @Test
    void aHousekeeperThatStoppedHarmsNothingButDecay() throws Exception {
        ForkedJvm forked = fork(Stopped.class, "");
        assertEquals(0, forked.exitStatus, forked::toString);
        assertTrue(forked.output.contains("survived"), forked::toString);
    }

    /** Threads that read and write what they released, in pools that come and go. */
    static final class Abuse {
        private static final int THREADS = 6;
        private static final AtomicReferenceArray<ByteBuffer> STALE = new AtomicReferenceArray<>(500);
        private static final AtomicReferenceArray<PooledBuffer> HANDLES = new AtomicReferenceArray<>(200);

        private Abuse() {
        }

        public static void main(String[] arguments) throws Exception {
            boolean checked = arguments[0].equals("checked");
            boolean closing = !arguments[0].equals("open");
            AtomicReference<BufferPool> pool = new AtomicReference<>(pool(checked));
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(4);
            if (checked) {
                // It has much to say here.
                java.util.logging.Logger.getLogger("io.millpond").setLevel(java.util.logging.Level.OFF);
            }
            Threads.run(THREADS + 1, index -> {
                Random random = ThreadLocalRandom.current();
                while (System.nanoTime() < end) {
                    if (index == THREADS) {
                        disturb(pool, arguments[0], closing, checked);
                    } else {
                        abuse(pool.get(), random);
                    }
                }
            });
            PoolStats stats = pool.get().stats();
            if (stats.badFrees() != 0 && !checked) {
                throw new AssertionError(stats);
            }
            System.out.println("survived: " + stats);
        }

        private static BufferPool pool(boolean checked) {
            return BufferPool.builder().maxMemory(64 << 20).decay(Duration.ofMillis(10)).checked(checked).build();
        }

        private static void disturb(AtomicReference<BufferPool> pool, String how, boolean closing, boolean checked) {
            Await.pause();
            System.gc();
            if (closing) {
                BufferPool last = pool.getAndSet(pool(checked));
                if (!how.equals("dropped")) {
                    last.close();
                }
            } else {
                pool.get().trim();
            }
        }

        private static void abuse(BufferPool pool, Random random) {
            try {
                PooledBuffer buffer = pool.tryAllocate(Math.max(8, (int) Math.exp(random.nextDouble() * 15)));
                if (buffer != null) {
                    keepViews(buffer.byteBuffer(), random);
                    PooledBuffer other = HANDLES.getAndSet(random.nextInt(HANDLES.length()), buffer);
                    if (other != null && random.nextInt(10) > 0) {
                        other.release();
                    }
                }
                PooledBuffer any = HANDLES.get(random.nextInt(HANDLES.length()));
                if (any != null) {
                    any.release();
                }
            } catch (IllegalStateException e) {
                // Released before, or closed: that is what it should say.
            }
            for (int i = 0; i < 20; i++) {
                touch(STALE.get(random.nextInt(STALE.length())), random);
            }
        }

        private static void keepViews(ByteBuffer bytes, Random random) {
            ByteBuffer[] views = {bytes, bytes.duplicate(), bytes.slice(), bytes.slice(0, 8), bytes.asReadOnlyBuffer()};
            STALE.set(random.nextInt(STALE.length()), views[random.nextInt(views.length)]);
        }

        private static void touch(ByteBuffer stale, Random random) {
            if (stale == null) {
                return;
            }
            int at = random.nextInt(stale.capacity());
            if (stale.isReadOnly()) {
                stale.get(at);
            } else {
                stale.put(at, (byte) random.nextInt());
                stale.put(stale.capacity() - 1, (byte) 0x5a);
            }
        }
    }

    /** The pool is taken from the housekeeper's list, so that its thread ends. */
    static final class Stopped {
        private Stopped() {
        }

        public static void main(String[] arguments) throws Exception {
            BufferPool pool = BufferPool.builder().maxMemory(32 << 20).decay(Duration.ofMillis(20)).build();
            Field pools = Housekeeper.class.getDeclaredField("pools");
            pools.setAccessible(true);
            pools.set(null, new PoolCore[0]);
            Housekeeper.wake();
            Await.until(() -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("millpond-housekeeper")), () -> "it runs");

            Threads.run(4, index -> {
                for (int i = 0; i < 20_000; i++) {
                    PooledBuffer buffer = pool.allocate(1 + i % 70_000);
                    buffer.byteBuffer().put(0, (byte) index);
                    if (i % 100 != 0) {
                        buffer.release();
                    } else if (i % 1000 == 0) {
                        // The limit makes room of forgotten ones, with the Cleaner's help and nobody else's.
                        System.gc();
                    }
                }
            });
            Await.pause();
            check(pool.stats().committedBytes() > 0, "nobody was there to give memory back", pool);
            Await.untilCollected(() -> pool.trim() >= 0 && pool.stats().liveBuffers() == 0, pool::stats);
            pool.trim();
            check(pool.stats().committedBytes() == 0, "trim() needs no housekeeper", pool);
            check(pool.stats().forgottenBuffers() == 800, "each forgotten buffer came back", pool);
            PooledBuffer last = pool.allocate(100);
            pool.close();
            last.release();
            check(pool.stats().committedBytes() == 0, "neither does close()", pool);
            System.out.println("survived: " + pool.stats());
        }

        private static void check(boolean holds, String what, BufferPool pool) {
            if (!holds) {
                throw new AssertionError(what + ": " + pool.stats());
            }
        }
    }
}
