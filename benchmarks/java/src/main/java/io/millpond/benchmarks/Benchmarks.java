package io.millpond.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs {@link Plan} on one JDK after the other. All allocators are measured one right after the other at each size, so that a
 * slower minute of the machine hits all of them. Prints a line for each figure and appends it to the file of records.
 *
 * <p>{@code Benchmarks [--quick] [--jdks 17=HOME,25=HOME] [--only REGEX] [--out FILE]}
 */
public final class Benchmarks {
    private static final String GARBAGE = "gc.alloc.rate.norm";
    private static final int ITERATION_MILLIS = 300;
    private static final double NANOS_PER_MINUTE = 60e9;

    private final boolean quick;
    private final Path out;
    private final long start = System.nanoTime();
    private int steps;
    private int done;

    private Benchmarks(boolean quick, Path out) {
        this.quick = quick;
        this.out = out;
    }

    /** A JVM with one allocator and one value. */
    private record Step(Jdk jdk, Suite suite, String value, String allocator) {}

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
        Pattern only = Pattern.compile(arguments.get("--only", ""));
        List<Suite> plan = quick ? Plan.quick() : Plan.full();
        List<Suite> suites = plan.stream().filter(suite -> only.matcher(suite.name()).find()).toList();
        if (suites.isEmpty()) {
            List<String> names = plan.stream().map(Suite::name).toList();
            throw new IllegalArgumentException("no suite matches '" + only + "'; there are " + names);
        }
        new Benchmarks(quick, out).run(Jdk.list(arguments.get("--jdks", "")), suites);
    }

    private void run(List<Jdk> jdks, List<Suite> suites) throws IOException, RunnerException {
        List<Step> all = new ArrayList<>();
        for (Suite suite : suites) {
            for (Jdk jdk : jdks) {
                if (jdk.version() >= suite.oldestJdk()) {
                    addSteps(all, jdk, suite);
                }
            }
        }
        steps = all.size();
        for (Step step : all) {
            Collection<RunResult> results = new Runner(options(step).build()).run();
            done++;
            for (RunResult result : results) {
                report(step, result);
            }
        }
    }

    private static void addSteps(List<Step> steps, Jdk jdk, Suite suite) {
        List<String> allocators = suite.allocators().isEmpty() ? List.of("") : suite.allocators();
        for (String value : suite.values()) {
            for (String allocator : allocators) {
                steps.add(new Step(jdk, suite, value, allocator));
            }
        }
    }

    private ChainedOptionsBuilder options(Step step) {
        Suite suite = step.suite();
        List<String> flags = new ArrayList<>(List.of("-Xms2g", "-Xmx2g", "-XX:+AlwaysPreTouch", suite.collector().flag()));
        flags.addAll(suite.kind().flags());
        flags.addAll(step.jdk().flags());
        ChainedOptionsBuilder options = new OptionsBuilder().include("\\." + suite.benchmark().replace(".", "\\.") + "$")
            .jvm(step.jdk().java()).jvmArgs(flags.toArray(new String[0])).addProfiler(GCProfiler.class)
            .verbosity(VerboseMode.SILENT).shouldFailOnError(true).threads(suite.threads())
            .forks(quick ? 1 : 2).warmupIterations(quick ? 3 : 5).measurementIterations(quick ? 3 : 5)
            .warmupTime(TimeValue.milliseconds(ITERATION_MILLIS)).measurementTime(TimeValue.milliseconds(ITERATION_MILLIS));
        if (!step.value().isEmpty()) {
            options.param(suite.parameter(), step.value());
        }
        return step.allocator().isEmpty() ? options : options.param("allocator", step.allocator());
    }

    private void report(Step step, RunResult result) throws IOException {
        Result<?> cost = result.getPrimaryResult();
        Result<?> garbage = result.getSecondaryResults().get(GARBAGE);
        Figure figure = new Figure(step.suite().name(), step.jdk().version(), step.value(), step.allocator(), cost.getScore(),
            cost.getScoreError(), garbage == null ? Double.NaN : garbage.getScore());
        figure.append(out);
        double minutes = (System.nanoTime() - start) / NANOS_PER_MINUTE;
        System.out.printf(Locale.ROOT, "[%d of %d, %.0f min left] JDK %d, %s %s: %s %.1f ±%.1f ns, %.1f B of heap%n", done, steps,
            minutes / done * (steps - done), figure.jdk(), figure.suite(), figure.value(), figure.allocator(), figure.nanos(),
            figure.error(), figure.garbage());
    }
}
