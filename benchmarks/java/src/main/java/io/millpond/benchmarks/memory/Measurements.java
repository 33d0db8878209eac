package io.millpond.benchmarks.memory;

import io.millpond.benchmarks.Arguments;
import io.millpond.benchmarks.Jdk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the programs have in common: one measurement after another on each JDK with each allocator, progress, records, and a
 * table at the end.
 *
 * <p>{@code [--jdks 17=HOME,25=HOME] [--allocators millpond,pooled] [--out FILE]}
 */
public final class Measurements {
    private final String program;
    private final List<Jdk> jdks;
    private final List<String> allocators;
    private final Path out;
    private final List<MemoryFigure> found = new ArrayList<>();

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
        this.jdks = Jdk.list(arguments.get("--jdks", ""));
        this.allocators = List.of(arguments.get("--allocators", String.join(",", allocators)).split(","));
        this.out = Path.of(arguments.get("--out", "build/benchmarks/memory.tsv"));
        Files.createDirectories(out.toAbsolutePath().getParent());
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
        for (Jdk jdk : jdks) {
            for (String allocator : allocators) {
                List<MemoryFigure> figures = measurement.take(jdk, allocator);
                MemoryFigure.append(out, figures);
                found.addAll(figures.stream().filter(figure -> !isSample(figure)).toList());
                System.out.printf("[%s %d of %d] JDK %d, %s: %s%n", program, ++done, jdks.size() * allocators.size(),
                    jdk.version(), allocator, summary(figures));
            }
        }
        printTable();
    }

    /** Samples over time are for plots, and too many to print. */
    private static boolean isSample(MemoryFigure figure) {
        return figure.key().indexOf('@') >= 0;
    }

    private static String summary(List<MemoryFigure> figures) {
        List<String> parts = figures.stream().filter(figure -> !isSample(figure))
            .map(figure -> figure.key() + " " + figure.value() + (figure.unit().isEmpty() ? "" : " " + figure.unit())).toList();
        return String.join(", ", parts);
    }

    private void printTable() {
        Set<String> columns = new LinkedHashSet<>(List.of("JDK", "allocator"));
        Map<String, Map<String, String>> rows = new LinkedHashMap<>();
        for (MemoryFigure figure : found) {
            String column = figure.unit().isEmpty() ? figure.key() : figure.key() + " " + figure.unit();
            columns.add(column);
            Map<String, String> row = rows.computeIfAbsent(figure.jdk() + figure.allocator(), key -> new LinkedHashMap<>());
            row.put("JDK", Integer.toString(figure.jdk()));
            row.put("allocator", figure.allocator());
            row.put(column, figure.value());
        }
        StringBuilder header = new StringBuilder();
        columns.forEach(column -> header.append(cell(column, width(column))));
        System.out.println(header);
        for (Map<String, String> row : rows.values()) {
            StringBuilder line = new StringBuilder();
            columns.forEach(column -> line.append(cell(row.getOrDefault(column, "-"), width(column))));
            System.out.println(line);
        }
    }

    private static int width(String column) {
        return Math.max(column.length(), column.equals("allocator") ? "millpond-netty".length() : 0);
    }

    private static String cell(String text, int width) {
        return String.format("%-" + (width + 2) + "s", text);
    }
}
