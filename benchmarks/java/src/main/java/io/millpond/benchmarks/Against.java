package io.millpond.benchmarks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.util.ListStatistics;
import org.openjdk.jmh.util.Statistics;

/**
 * Whether this build has become slower than another one. Each figure of {@link Plan#paired} is measured by turns, on a JVM
 * with the other build's jar and on one with this one's, and what counts are the ratios of such neighbours: a slower minute of
 * the machine hits both. What looks slower is measured once more, and only what does so again is reported.
 *
 * <p>{@code Against --base JAR [--jdks 17=HOME,25=HOME] [--only REGEX] [--rounds N]}; ends with status 1 if anything is slower.
 */
public final class Against {
    private static final String CLASS_PATH = "java.class.path";
    private static final int WARM_UPS = 4;
    private static final int ITERATIONS = 3;
    /** With fewer there is no interval. */
    private static final int FEWEST_ROUNDS = 3;
    private static final double CONFIDENCE = 0.95;
    /** Less than this is noise, however sure it is: where code lies in memory moves figures as much. */
    private static final double TOLERANCE = 1.03;

    private final Path base;
    private final int rounds;

    private Against(Path base, int rounds) {
        if (rounds < FEWEST_ROUNDS) {
            throw new IllegalArgumentException("--rounds is " + rounds + ", must be at least " + FEWEST_ROUNDS);
        }
        this.base = base;
        this.rounds = rounds;
    }

    /**
     * Ratios of this build's time to the other's, one for each round.
     *
     * @param mean the geometric mean
     * @param least the lower end of its confidence interval
     * @param most the upper end
     */
    private record Ratio(double mean, double least, double most) {
        static Ratio of(Statistics logarithms) {
            double[] interval = logarithms.getConfidenceIntervalAt(CONFIDENCE);
            return new Ratio(Math.exp(logarithms.getMean()), Math.exp(interval[0]), Math.exp(interval[1]));
        }

        boolean isSlower() {
            return least > 1 && mean > TOLERANCE;
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "×%.3f (%.3f to %.3f)%s", mean, least, most, isSlower() ? ", slower" : "");
        }
    }

    /**
     * Compares.
     *
     * @param args see above
     * @throws RunnerException if a benchmark fails
     */
    public static void main(String[] args) throws RunnerException {
        Arguments arguments = new Arguments(args, List.of(), List.of("--base", "--jdks", "--only", "--rounds"));
        Path base = Path.of(arguments.get("--base", ""));
        if (!base.toFile().isFile()) {
            throw new IllegalArgumentException("--base is '" + base + "', must be the benchmarks.jar of another build");
        }
        List<Trial> trials = new ArrayList<>();
        for (Suite suite : Suite.matching(arguments.get("--only", ""), Plan.paired())) {
            for (Jdk jdk : Jdk.list(arguments.get("--jdks", ""))) {
                for (String value : suite.values()) {
                    suite.allocators().forEach(allocator -> trials.add(new Trial(jdk, suite, value, allocator)));
                }
            }
        }
        Against against = new Against(base.toAbsolutePath(), Integer.parseInt(arguments.get("--rounds", "5")));
        List<Trial> suspects = against.slower(trials);
        List<Trial> slower = suspects.isEmpty() ? suspects : against.slower(suspects);
        System.out.println(slower.isEmpty() ? "No figure is worse by more than noise." : "Slower, twice: " + slower);
        System.exit(slower.isEmpty() ? 0 : 1);
    }

    /** Those in which this build is slower. */
    private List<Trial> slower(List<Trial> trials) throws RunnerException {
        List<Trial> slower = new ArrayList<>();
        for (Trial trial : trials) {
            Ratio ratio = measure(trial);
            System.out.printf("[%d of %d] %s: %s%n", trials.indexOf(trial) + 1, trials.size(), trial, ratio);
            if (ratio.isSlower()) {
                slower.add(trial);
            }
        }
        return slower;
    }

    private Ratio measure(Trial trial) throws RunnerException {
        Path own = Path.of(System.getProperty(CLASS_PATH));
        ListStatistics logarithms = new ListStatistics();
        for (int round = 0; round < rounds; round++) {
            boolean baseFirst = round % 2 == 0;
            double first = nanos(trial, baseFirst ? base : own);
            double second = nanos(trial, baseFirst ? own : base);
            logarithms.addValue(Math.log(baseFirst ? second / first : first / second));
        }
        return Ratio.of(logarithms);
    }

    /** With the classes of that jar: JMH starts JVMs on the class path that this one says it has. */
    private static double nanos(Trial trial, Path jar) throws RunnerException {
        String own = System.setProperty(CLASS_PATH, jar.toString());
        try {
            return trial.suite().nanos(trial.run(WARM_UPS, ITERATIONS).getPrimaryResult().getScore());
        } finally {
            System.setProperty(CLASS_PATH, own);
        }
    }
}
