package io.millpond.benchmarks.memory;

import io.millpond.benchmarks.Arguments;
import io.millpond.benchmarks.Jdk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What the programs have in common: one measurement after another on each JDK with each allocator, progress and records.
 *
 * <p>{@code [--jdks 17=HOME,25=HOME] [--allocators millpond,pooled] [--out FILE]}
 */
public final class Measurements {
    private final String program;
    private final List<Candidate> candidates;
    private final Path out;

    /** What a program does with one allocator on one JDK; may be different each time it is called. */
    public interface Measurement {
        /**
         * Takes it.
         *
         * @param jdk the JDK to measure on
         * @param allocator one of {@link io.millpond.benchmarks.Allocator#NAMES}
         * @return what was found
         * @throws IOException if a JVM fails
         * @throws InterruptedException if interrupted
         */
        List<MemoryFigure> take(Jdk jdk, String allocator) throws IOException, InterruptedException;
    }

    /**
     * Prepares.
     *
     * @param program what the records call it
     * @param args the command line
     * @param allocators which to measure if the command line names none
     * @throws IOException if there is no place for the records
     */
    public Measurements(String program, String[] args, List<String> allocators) throws IOException {
        Arguments arguments = new Arguments(args, List.of(), List.of("--jdks", "--allocators", "--out"));
        this.program = program;
        String[] names = arguments.get("--allocators", String.join(",", allocators)).split(",");
        this.candidates = Jdk.list(arguments.get("--jdks", "")).stream()
            .flatMap(jdk -> Stream.of(names).map(name -> new Candidate(jdk, name))).toList();
        this.out = Path.of(arguments.get("--out", "build/benchmarks/memory.tsv"));
        Files.createDirectories(out.toAbsolutePath().getParent());
    }

    /**
     * What there is to measure.
     *
     * @return each JDK with each allocator
     */
    public List<Candidate> candidates() {
        return candidates;
    }

    /**
     * Runs all of them.
     *
     * @param measurement what to do with one allocator on one JDK
     * @throws IOException if a JVM fails, or records cannot be written
     * @throws InterruptedException if interrupted
     */
    public void run(Measurement measurement) throws IOException, InterruptedException {
        int done = 0;
        for (Candidate candidate : candidates) {
            List<MemoryFigure> figures = measurement.take(candidate.jdk(), candidate.allocator());
            MemoryFigure.append(out, figures);
            System.out.printf("[%s %d of %d] %s: %s%n", program, ++done, candidates.size(), candidate, summary(figures));
        }
    }

    private static String summary(List<MemoryFigure> figures) {
        List<String> parts = figures.stream().filter(figure -> !figure.isSample())
            .map(figure -> figure.key() + " " + figure.value() + (figure.unit().isEmpty() ? "" : " " + figure.unit())).toList();
        return String.join(", ", parts);
    }
}
