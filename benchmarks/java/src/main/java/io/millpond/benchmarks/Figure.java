package io.millpond.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * One measured cost, a line in the file of records.
 *
 * @param suite {@link Suite#name}
 * @param jdk the feature version of Java
 * @param value of the suite's parameter; empty if there is none
 * @param allocator one of {@link Allocator#NAMES}; empty if there is none
 * @param nanos nanoseconds for one buffer
 * @param error half of the 99.9 % confidence interval, in nanoseconds
 * @param garbage bytes of Java heap for one buffer
 */
public record Figure(String suite, int jdk, String value, String allocator, double nanos, double error, double garbage) {
    private static final String TAB = "\t";

    void append(Path file) throws IOException {
        String line = String.join(TAB, suite, Integer.toString(jdk), value, allocator, Double.toString(nanos),
            Double.toString(error), Double.toString(garbage));
        Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /**
     * Reads a file of records.
     *
     * @param file what {@link Benchmarks} appended to
     * @return its lines, in its order
     * @throws IOException if it cannot be read
     */
    public static List<Figure> read(Path file) throws IOException {
        return Files.readAllLines(file, StandardCharsets.UTF_8).stream().map(Figure::parse).toList();
    }

    private static Figure parse(String line) {
        String[] parts = line.split(TAB, -1);
        return new Figure(parts[0], Integer.parseInt(parts[1]), parts[2], parts[3], Double.parseDouble(parts[4]),
            Double.parseDouble(parts[5]), Double.parseDouble(parts[6]));
    }
}
