package io.millpond.benchmarks.memory;

import io.millpond.benchmarks.Allocator;
import io.millpond.benchmarks.Jdk;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * How long {@code trim()} and {@code close()} take with 1 GiB of free memory: what {@link Retained} holds, just released by
 * its eight threads, five times, each with a new pool. By the clock, and by the processor time of the calling thread, which
 * other programs disturb less. Only Millpond has such calls. See {@link Measurements} for the command line.
 */
public final class TrimTime {
    static final String PROGRAM = "trim-time";

    private TrimTime() {}

    /**
     * Measures.
     *
     * @param args see above
     * @throws IOException if a JVM fails, or records cannot be written
     * @throws InterruptedException if interrupted
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        new Measurements(PROGRAM, args, List.of(Allocator.MILLPOND)).run((jdk, allocator) -> {
            List<MemoryFigure> figures = new ArrayList<>(measure(jdk, "trim"));
            figures.addAll(measure(jdk, "close"));
            return figures;
        });
    }

    private static List<MemoryFigure> measure(Jdk jdk, String call) throws IOException {
        List<Double> millis = new ArrayList<>();
        List<Double> processorMillis = new ArrayList<>();
        List<Double> returned = new ArrayList<>();
        try (Fork jvm = new Fork(jdk, Fork.STEADY_HEAP, TrimTimeJvm.class, call)) {
            for (String line = jvm.awaitOrEnd("took"); line != null; line = jvm.awaitOrEnd("took")) {
                String[] parts = line.split(" ");
                millis.add(Double.parseDouble(parts[0]));
                processorMillis.add(Double.parseDouble(parts[1]));
                returned.add(Double.parseDouble(parts[2]));
            }
        }
        if (millis.isEmpty()) {
            throw new IOException("the JVM ended before it measured anything; its own message is above");
        }
        return List.of(
            figure(jdk, call + "-median", median(millis), "ms"),
            figure(jdk, call + "-max", Collections.max(millis), "ms"),
            figure(jdk, call + "-processor-median", median(processorMillis), "ms"),
            figure(jdk, call + "-returned", Collections.min(returned), "MiB"));
    }

    private static double median(List<Double> values) {
        return values.stream().sorted().toList().get(values.size() / 2);
    }

    private static MemoryFigure figure(Jdk jdk, String key, double value, String unit) {
        return MemoryFigure.number(PROGRAM, jdk.version(), Allocator.MILLPOND, key, value, unit);
    }
}
