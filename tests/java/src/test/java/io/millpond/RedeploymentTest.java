package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Applications that bring the library along, come and go in one process, as in an application server: nothing stays. */
class RedeploymentTest {
    private static final String LAST_LINE = "all gone";

    @Test
    void nothingStaysOfFortyClassLoaders(@TempDir Path directory) throws Exception {
        redeploy(40, directory);
    }

    @Test
    @Tag("soak")
    void nothingStaysOfTwoHundredClassLoaders(@TempDir Path directory) throws Exception {
        redeploy(200, directory);
    }

    private static void redeploy(int count, Path directory) throws Exception {
        // Without C2, which compiles when it finds the time and leaves ten megabytes and more in an arena of malloc's.
        List<String> flags = List.of("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:+AlwaysPreTouch",
            "-XX:TieredStopAtLevel=1", "-XX:ErrorFile=/dev/null", "-Djava.io.tmpdir=" + directory);
        List<String> all = new ArrayList<>(ForkedJvm.nativeAccess());
        all.addAll(flags);
        ForkedJvm jvm = ForkedJvm.run(all, Server.class, Integer.toString(count),
            System.getProperty("io.millpond.test.coreJar"), System.getProperty("io.millpond.test.nativeJar"));
        assertEquals(0, jvm.exitStatus, jvm::toString);
        assertEquals(LAST_LINE, jvm.output.strip(), "whatever else it says is a line too many");
    }

    /** Loads, uses and drops the library again and again, with threads that stay. */
    static final class Server {
        private static final long MIB = 1 << 20;
        /** So many are there at the same time. After the first ones nothing more may stay. */
        private static final int ROUND = 20;
        private static final long GROWTH_MAX = 16 * MIB;
        /** So many in a row are likely to meet another's. */
        private static final int TRIMS = 200;
        /** Of this much each arena's free memory is given back by a thread of its own. */
        private static final int BURST_MIB = 96;

        /** What an application has. */
        private enum Pool { SHARED, CLOSED, KEPT }

        /** The class loader of an application. */
        private static final class Application extends URLClassLoader {
            /** What some class has in a static field. */
            private Object kept;

            Application(URL[] jars) {
                super(jars, ClassLoader.getPlatformClassLoader());
            }
        }

        private Server() {
        }

        public static void main(String[] arguments) throws Exception {
            int count = Integer.parseInt(arguments[0]);
            URL[] jars = {Path.of(arguments[1]).toUri().toURL(), Path.of(arguments[2]).toUri().toURL()};
            // A daemon, so that a failed check ends the JVM.
            ExecutorService worker = Executors.newSingleThreadExecutor(task -> {
                Thread thread = new Thread(task);
                thread.setDaemon(true);
                return thread;
            });
            long threads = threads();
            deployRound(jars, worker);
            long before = residentAnonymous();
            for (int done = ROUND; done < count; done += ROUND) {
                deployRound(jars, worker);
            }
            outlive(jars);
            Await.until(() -> threads() <= threads, () -> "threads: " + Thread.getAllStackTraces().keySet());
            // A thread of the JDK's unmaps a library some time after its class loader was collected, of which a phantom reference
            // tells it; that may take another collection.
            Await.untilCollected(() -> mappings() == 0, () -> "mapped: " + mappings());
            long growth = residentAnonymous() - before;
            check(growth <= GROWTH_MAX, "grew by " + growth / MIB + " MiB");
            try (Stream<Path> left = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
                // The JVM's own.
                check(left.allMatch(each -> each.getFileName().toString().startsWith("hsperfdata")), "files are left");
            }
            // Its thread-locals go, and whatever may be registered for that.
            worker.shutdown();
            Await.until(worker::isTerminated, () -> "the worker");
            Await.pause();
            System.out.println(LAST_LINE);
        }

        private static void deployRound(URL[] jars, ExecutorService worker) throws Exception {
            List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
            for (int i = 0; i < ROUND; i++) {
                loaders.add(deploy(Pool.values()[i % Pool.values().length], jars, worker));
            }
            Await.untilCollected(() -> loaders.stream().allMatch(each -> each.get() == null),
                () -> loaders.stream().filter(each -> each.get() != null).count() + " class loaders stay");
        }

        private static WeakReference<ClassLoader> deploy(Pool kind, URL[] jars, ExecutorService worker) throws Exception {
            try (Application loader = new Application(jars)) {
                Object pool = pool(loader, kind == Pool.SHARED);
                // At the same time, so that they wait for each other's locks: that may leave nothing to threads that stay.
                CyclicBarrier together = new CyclicBarrier(2);
                Future<?> other = worker.submit(() -> {
                    useAndTrim(pool, together);
                    use(pool);
                    return null;
                });
                useAndTrim(pool, together);
                other.get();
                if (kind == Pool.CLOSED) {
                    call(pool, "close");
                }
                loader.kept = kind == Pool.KEPT ? pool : null;
                return new WeakReference<>(loader);
            }
        }

        private static Object pool(ClassLoader loader, boolean shared) throws Exception {
            Class<?> pools = loader.loadClass("io.millpond.BufferPool");
            return shared ? pools.getMethod("shared").invoke(null) : call(pools.getMethod("builder").invoke(null), "build");
        }

        private static Object allocate(Object pool, int bytes) throws Exception {
            return pool.getClass().getMethod("allocate", int.class).invoke(pool, bytes);
        }

        private static void use(Object pool) throws Exception {
            for (int size : new int[] {100, 70_000, 5 << 20}) {
                Object buffer = allocate(pool, size);
                ((ByteBuffer) call(buffer, "byteBuffer")).put(size - 1, (byte) 1);
                call(buffer, "release");
            }
        }

        private static void useAndTrim(Object pool, CyclicBarrier together) throws Exception {
            use(pool);
            List<Object> burst = new ArrayList<>();
            for (int i = 0; i < BURST_MIB; i++) {
                burst.add(allocate(pool, 1 << 20));
            }
            for (Object buffer : burst) {
                call(buffer, "release");
            }
            together.await();
            for (int i = 0; i < TRIMS; i++) {
                call(pool, "trim");
            }
        }

        /** Keeps a buffer, and nothing else: its memory must stay for as long as that. */
        private static void outlive(URL[] jars) throws Exception {
            ByteBuffer[] kept = new ByteBuffer[1];
            WeakReference<ClassLoader> loader = keep(jars, kept);
            for (int i = 0; i < 10; i++) {
                System.gc();
                Await.pause();
                kept[0].put(i, (byte) i);
            }
            check(loader.get() != null, "the class loader is gone, and a buffer is not");
            kept[0] = null;
            Await.untilCollected(() -> loader.get() == null, () -> "the class loader stays");
        }

        private static WeakReference<ClassLoader> keep(URL[] jars, ByteBuffer[] kept) throws Exception {
            try (Application loader = new Application(jars)) {
                Object pool = pool(loader, true);
                Object buffer = allocate(pool, 1000);
                kept[0] = ((ByteBuffer) call(buffer, "byteBuffer")).slice(100, 100);
                call(buffer, "release");
                return new WeakReference<>(loader);
            }
        }

        private static Object call(Object object, String method) throws Exception {
            return object.getClass().getMethod(method).invoke(object);
        }

        /** Those that are there because of the library. */
        private static long threads() {
            return Thread.getAllStackTraces().keySet().stream().map(Thread::getName)
                .filter(name -> name.startsWith("millpond") || name.startsWith("Cleaner-")).count();
        }

        private static long mappings() {
            return lines("/proc/self/maps").stream().filter(line -> line.contains("millpond_jni")).count();
        }

        private static long residentAnonymous() {
            return lines("/proc/self/status").stream().filter(line -> line.startsWith("RssAnon:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024).sum();
        }

        private static List<String> lines(String file) {
            try {
                return Files.readAllLines(Path.of(file));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static void check(boolean holds, String otherwise) {
            if (!holds) {
                throw new AssertionError(otherwise);
            }
        }
    }
}
