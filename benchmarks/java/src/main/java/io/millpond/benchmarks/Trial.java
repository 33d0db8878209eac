package io.millpond.benchmarks;

import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * What one JVM measures.
 *
 * @param jdk what it runs on
 * @param suite what is done
 * @param value of the suite's parameter; empty if it has none
 * @param allocator one of {@link Allocator#NAMES}; empty if the suite has none
 */
record Trial(Jdk jdk, Suite suite, String value, String allocator) {
    private static final int ITERATION_MILLIS = 300;
    /** As much as the heap may take, so that no limit is met where an allocator takes more than another. */
    private static final List<String> MEMORY =
        List.of("-Xms2g", "-Xmx2g", "-XX:+AlwaysPreTouch", "-XX:MaxDirectMemorySize=4g");

    /**
     * Measures, on a new JVM.
     *
     * @param warmUps iterations that do not count
     * @param iterations iterations that do
     * @return what JMH found
     * @throws RunnerException if the benchmark fails
     */
    RunResult run(int warmUps, int iterations) throws RunnerException {
        ChainedOptionsBuilder options = new OptionsBuilder().include("\\." + suite.benchmark().replace(".", "\\.") + "$")
            .jvm(jdk.java()).jvmArgs(flags().toArray(new String[0])).addProfiler(GCProfiler.class)
            .verbosity(VerboseMode.SILENT).shouldFailOnError(true).threads(suite.threads())
            .mode(suite.mode()).forks(1).warmupIterations(warmUps).measurementIterations(iterations)
            .warmupTime(TimeValue.milliseconds(ITERATION_MILLIS)).measurementTime(TimeValue.milliseconds(ITERATION_MILLIS));
        if (!value.isEmpty()) {
            options.param(suite.parameter(), value);
        }
        if (!allocator.isEmpty()) {
            options.param("allocator", allocator);
        }
        return new Runner(options.build()).runSingle();
    }

    private List<String> flags() {
        List<String> flags = new ArrayList<>(MEMORY);
        flags.add(suite.collector().flag());
        flags.addAll(suite.kind().flags());
        flags.addAll(suite.flags());
        flags.addAll(jdk.flags());
        return Tuning.flags(allocator, flags);
    }

    @Override
    public String toString() {
        return "JDK " + jdk.version() + ", " + suite.name() + " " + value + ": " + allocator;
    }
}
