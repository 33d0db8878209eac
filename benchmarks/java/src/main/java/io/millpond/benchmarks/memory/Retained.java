package io.millpond.benchmarks.memory;

import io.millpond.benchmarks.Allocator;
import io.millpond.benchmarks.Jdk;
import io.millpond.benchmarks.Tuning;
import io.millpond.benchmarks.memory.ResidentSet.Sample;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * What a process keeps after a burst. Eight threads hold 1 GiB of written buffers, release all of it and then wait: no traffic,
 * no collection is asked for. The Java heap is resident from the start and does not change.
 *
 * <p>Resident memory is counted above a start that is taken when code is loaded and warm, but no buffer is there yet. See
 * {@link Measurements} for the command line.
 */
public final class Retained {
    static final String PROGRAM = "retained";

    static final List<String> ALLOCATORS = List.of(Allocator.MILLPOND, Allocator.POOLED, Allocator.POOLED + Tuning.LEAN,
        Allocator.ADAPTIVE, Allocator.ADAPTIVE + Tuning.LEAN, Allocator.UNPOOLED, Allocator.UNPOOLED + Tuning.LEAN,
        Allocator.DIRECT);
    private static final int[] SECONDS = {1, 3, 5, 12};
    private static final long SETTLE_MILLIS = 500;
    private static final long SILENCE_MILLIS = 12_200;
    private static final double MIB = 1 << 20;

    private Retained() {}

    /**
     * Measures.
     *
     * @param args see above
     * @throws IOException if a JVM fails, or records cannot be written
     * @throws InterruptedException if interrupted
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        new Measurements(PROGRAM, args, ALLOCATORS).run(Retained::measure);
    }

    private static List<MemoryFigure> measure(Jdk jdk, String allocator) throws IOException, InterruptedException {
        try (Fork jvm = new Fork(jdk, Tuning.flags(allocator, Fork.STEADY_HEAP), RetainedJvm.class, allocator)) {
            double asked = jvm.awaitNumber("ready") / MIB;
            Thread.sleep(SETTLE_MILLIS);
            double start = ResidentSet.now(jvm.pid());
            try (ResidentSet resident = new ResidentSet(jvm.pid())) {
                jvm.go();
                jvm.await("full");
                Thread.sleep(SETTLE_MILLIS);
                jvm.go();
                jvm.await("released");
                long release = System.nanoTime();
                Thread.sleep(SILENCE_MILLIS);
                return new Run(jdk, allocator, start, asked, release, resident.stop()).figures();
            }
        }
    }

    /** One run; memory in MiB. */
    private record Run(Jdk jdk, String allocator, double start, double asked, long release, List<Sample> samples) {
        List<MemoryFigure> figures() {
            List<MemoryFigure> figures = new ArrayList<>();
            double peak = samples.stream().mapToDouble(this::aboveStart).max().orElseThrow();
            figures.add(figure("start", start, "MiB"));
            figures.add(figure("asked", asked, "MiB"));
            figures.add(figure("peak", peak, "MiB"));
            figures.add(figure("peak-to-asked", peak / asked, "ratio"));
            for (int seconds : SECONDS) {
                figures.add(figure("after-" + seconds + "s", aboveStart(nearest(seconds)), "MiB"));
            }
            for (Sample sample : samples) {
                String key = MemoryFigure.SAMPLE + String.format(Locale.ROOT, "%.2f", sample.secondsSince(release));
                figures.add(figure(key, aboveStart(sample), "MiB"));
            }
            return figures;
        }

        private MemoryFigure figure(String key, double value, String unit) {
            return MemoryFigure.number(PROGRAM, jdk.version(), allocator, key, value, unit);
        }

        private double aboveStart(Sample sample) {
            return sample.mib() - start;
        }

        private Sample nearest(int seconds) {
            return samples.stream().min(Comparator.comparingDouble(sample -> Math.abs(sample.secondsSince(release) - seconds)))
                .orElseThrow();
        }
    }
}
