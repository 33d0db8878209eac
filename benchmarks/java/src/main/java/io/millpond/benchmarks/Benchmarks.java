package io.millpond.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.RunnerException;

/**
 * Runs {@link Plan} on one JDK after the other. At each size all allocators have their turn, one right after the other, and
 * then again, each time on a new JVM, so that a slower minute of the machine hits all of them. Prints a line for each figure and
 * appends it to the file of records.
 *
 * <p>{@code Benchmarks [--quick] [--jdks 17=HOME,25=HOME] [--only REGEX] [--out FILE]}
 */
public final class Benchmarks {
    private static final String GARBAGE = "gc.alloc.rate.norm";
    private static final int ITERATIONS = 5;
    private static final int QUICK_ITERATIONS = 3;
    private static final double NANOS_PER_MINUTE = 60e9;

    private final boolean quick;
    private final Path out;
    private final long start = System.nanoTime();
    private int jvms;
    private int done;

    private Benchmarks(boolean quick, Path out) {
        this.quick = quick;
        this.out = out;
    }

    /** What is compared with each other: one value of a suite on one JDK, with every allocator. */
    private record Row(Jdk jdk, Suite suite, String value) {
        List<String> allocators() {
            return suite.allocators().isEmpty() ? List.of("") : suite.allocators();
        }
    }

    /**
     * Measures.
     *
     * @param args see above
     * @throws IOException if the records cannot be written
     * @throws RunnerException if a benchmark fails
     */
    public static void main(String[] args) throws IOException, RunnerException {
        Arguments arguments = new Arguments(args, List.of("--quick"), List.of("--jdks", "--only", "--out"));
        boolean quick = arguments.has("--quick");
        Path out = Path.of(arguments.get("--out", "build/benchmarks/java.tsv"));
        Files.createDirectories(out.toAbsolutePath().getParent());
        List<Suite> suites = Suite.matching(arguments.get("--only", ""), quick ? Plan.quick() : Plan.full());
        new Benchmarks(quick, out).run(Jdk.list(arguments.get("--jdks", "")), suites);
    }

    private void run(List<Jdk> jdks, List<Suite> suites) throws IOException, RunnerException {
        List<Row> rows = new ArrayList<>();
        for (Suite suite : suites) {
            for (Jdk jdk : jdks) {
                if (jdk.version() >= suite.oldestJdk()) {
                    suite.values().forEach(value -> rows.add(new Row(jdk, suite, value)));
                }
            }
        }
        jvms = rows.stream().mapToInt(row -> rounds(row) * row.allocators().size()).sum();
        for (Row row : rows) {
            measure(row);
        }
    }

    private int rounds(Row row) {
        return quick ? 1 : row.suite().rounds();
    }

    private void measure(Row row) throws IOException, RunnerException {
        int iterations = quick ? QUICK_ITERATIONS : ITERATIONS;
        Map<String, List<BenchmarkResult>> found = new LinkedHashMap<>();
        for (int round = 0; round < rounds(row); round++) {
            for (String allocator : row.allocators()) {
                RunResult result = new Trial(row.jdk(), row.suite(), row.value(), allocator).run(iterations, iterations);
                found.computeIfAbsent(allocator, key -> new ArrayList<>()).addAll(result.getBenchmarkResults());
                done++;
            }
        }
        for (Map.Entry<String, List<BenchmarkResult>> each : found.entrySet()) {
            List<BenchmarkResult> results = each.getValue();
            report(row, each.getKey(), new RunResult(results.get(0).getParams(), results));
        }
    }

    private void report(Row row, String allocator, RunResult result) throws IOException {
        Result<?> cost = result.getPrimaryResult();
        Result<?> garbage = result.getSecondaryResults().get(GARBAGE);
        double nanos = row.suite().nanos(cost.getScore());
        Figure figure = new Figure(row.suite().name(), row.jdk().version(), row.value(), allocator, nanos,
            nanos * cost.getScoreError() / cost.getScore(), garbage == null ? Double.NaN : garbage.getScore());
        figure.append(out);
        double minutes = (System.nanoTime() - start) / NANOS_PER_MINUTE;
        System.out.printf(Locale.ROOT, "[%d of %d, %.0f min left] JDK %d, %s %s: %s %.1f ±%.1f ns, %.1f B of heap%n", done, jvms,
            minutes / done * (jvms - done), figure.jdk(), figure.suite(), figure.value(), figure.allocator(), figure.nanos(),
            figure.error(), figure.garbage());
    }
}
