package io.millpond.benchmarks.server;

import io.millpond.benchmarks.Allocator;
import io.millpond.benchmarks.Jdk;
import io.millpond.benchmarks.memory.Fork;
import io.millpond.benchmarks.memory.Measurements;
import io.millpond.benchmarks.memory.MemoryFigure;
import io.millpond.benchmarks.memory.ResidentSet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * The HTTP file server of the examples under load by wrk on 64 connections, which shares the processors with it: requests a
 * second, latencies, collections, resident memory at the peak and five seconds after. With TLS and without. Rates and
 * latencies are the median of three loads.
 *
 * <p>See {@link Measurements} for the command line.
 */
public final class HttpLoad {
    private static final List<String> FLAGS = List.of("-Xms1g", "-Xmx1g", "-XX:+AlwaysPreTouch", "-XX:MaxDirectMemorySize=2g");
    private static final List<String> ALLOCATORS =
        List.of(Allocator.MILLPOND_NETTY, Allocator.POOLED, Allocator.ADAPTIVE, Allocator.UNPOOLED);
    private static final int[] FILE_SIZES = {1 << 10, 16 << 10, 256 << 10, 1 << 20};
    private static final int WARM_UP_SECONDS = 3;
    private static final int LOADS = 3;
    private static final int LOAD_SECONDS = 4;
    private static final long SILENCE_MILLIS = 5000;
    private static final long SETTLE_MILLIS = 500;

    private final Path directory;
    private final Wrk wrk;

    private HttpLoad(Path directory) throws IOException {
        this.directory = directory;
        List<String> names = new ArrayList<>();
        for (int size : FILE_SIZES) {
            names.add("file-" + size);
            Files.write(directory.resolve("file-" + size), new byte[size]);
        }
        wrk = new Wrk(directory, names);
    }

    /**
     * Measures.
     *
     * @param args see above
     * @throws IOException if a JVM or wrk fails, or records cannot be written
     * @throws InterruptedException if interrupted
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        if (!Wrk.isThere()) {
            System.out.println("The HTTP server was not measured: there is no wrk; on Debian and Ubuntu: apt-get install wrk");
            return;
        }
        Path directory = Files.createTempDirectory("millpond-http");
        try {
            HttpLoad load = new HttpLoad(directory);
            for (String protocol : List.of("http", "https")) {
                new Measurements(protocol, args, ALLOCATORS).run((jdk, allocator) -> load.measure(jdk, allocator, protocol));
            }
        } finally {
            delete(directory);
        }
    }

    private static void delete(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }

    private List<MemoryFigure> measure(Jdk jdk, String allocator, String protocol) throws IOException, InterruptedException {
        try (Fork jvm = new Fork(jdk, FLAGS, HttpLoadJvm.class, directory.toString(), allocator, protocol)) {
            load(jvm, protocol, 1);
            jvm.go();
            jvm.await("closed");
            Thread.sleep(SETTLE_MILLIS);
            double start = ResidentSet.now(jvm.pid());
            try (ResidentSet resident = new ResidentSet(jvm.pid())) {
                Loaded loaded = load(jvm, protocol, LOADS);
                Thread.sleep(SILENCE_MILLIS);
                double after = ResidentSet.now(jvm.pid()) - start;
                double peak = resident.stop().stream().mapToDouble(ResidentSet.Sample::mib).max().orElseThrow() - start;
                return figures(jdk, allocator, protocol, loaded, peak, after);
            }
        }
    }

    /** What the loads found; collections and their ms. */
    private record Loaded(List<Wrk.Result> results, long collections, long collectionMillis) {
        double median(ToDoubleFunction<Wrk.Result> of) {
            return results.stream().mapToDouble(of).sorted().toArray()[results.size() / 2];
        }
    }

    /** Starts the JVM's next server, which is ended by telling it to go on. */
    private Loaded load(Fork jvm, String protocol, int loads) throws IOException {
        jvm.go();
        String url = protocol + "://localhost:" + jvm.await("port");
        wrk.run(url, WARM_UP_SECONDS);
        long[] before = collections(jvm);
        List<Wrk.Result> results = new ArrayList<>();
        for (int i = 0; i < loads; i++) {
            results.add(wrk.run(url, LOAD_SECONDS));
        }
        long[] after = collections(jvm);
        return new Loaded(results, after[0] - before[0], after[1] - before[1]);
    }

    private static long[] collections(Fork jvm) throws IOException {
        jvm.go();
        String[] parts = jvm.await("collections").split(" ");
        return new long[] {Long.parseLong(parts[0]), Long.parseLong(parts[1])};
    }

    private static List<MemoryFigure> figures(Jdk jdk, String allocator, String protocol, Loaded loaded, double peak,
        double after) {
        double slowest = loaded.results().stream().map(Wrk.Result::rate).min(Comparator.naturalOrder()).orElseThrow();
        String[] keys = {"requests/s", "slowest load", "p50", "p99", "collections", "in collections", "peak", "after-5s"};
        String[] units = {"", "", "ms", "ms", "", "ms", "MiB", "MiB"};
        double[] values = {loaded.median(Wrk.Result::rate), slowest, loaded.median(Wrk.Result::median),
            loaded.median(Wrk.Result::p99), loaded.collections(), loaded.collectionMillis(), peak, after};
        return IntStream.range(0, keys.length)
            .mapToObj(i -> MemoryFigure.number(protocol, jdk.version(), allocator, keys[i], values[i], units[i])).toList();
    }
}
