package io.millpond.benchmarks.memory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;

/**
 * One thing that was found, a line in the file of records. Where a file has two of the same name, the later one counts.
 *
 * @param program which found it
 * @param jdk the feature version of Java
 * @param allocator one of {@link io.millpond.benchmarks.Allocator#NAMES}
 * @param key what it is
 * @param value a number, or a word
 * @param unit of the number; empty for a word
 */
public record MemoryFigure(String program, int jdk, String allocator, String key, String value, String unit) {
    /** What the key of a sample begins with; the seconds since the release follow. */
    static final String SAMPLE = "rss@";

    private static final String TAB = "\t";

    /**
     * One with a number.
     *
     * @param program which found it
     * @param jdk the feature version of Java
     * @param allocator one of {@link io.millpond.benchmarks.Allocator#NAMES}
     * @param key what it is
     * @param value the number
     * @param unit its unit; empty if it has none
     * @return the figure
     */
    public static MemoryFigure number(String program, int jdk, String allocator, String key, double value, String unit) {
        return new MemoryFigure(program, jdk, allocator, key, String.format(Locale.ROOT, "%.2f", value), unit);
    }

    /**
     * One of a series over time, which is for plots.
     *
     * @return whether it is; its key then ends in the second
     */
    public boolean isSample() {
        return key.startsWith(SAMPLE);
    }

    /**
     * The value.
     *
     * @return it
     * @throws NumberFormatException if it is a word
     */
    public double number() {
        return Double.parseDouble(value);
    }

    /**
     * Reads a file of records.
     *
     * @param file what the programs of this package appended to
     * @return its lines, in its order
     * @throws IOException if it cannot be read
     */
    public static List<MemoryFigure> read(Path file) throws IOException {
        return Files.readAllLines(file, StandardCharsets.UTF_8).stream().map(MemoryFigure::parse).toList();
    }

    static void append(Path file, List<MemoryFigure> figures) throws IOException {
        List<String> lines = figures.stream().map(MemoryFigure::line).toList();
        Files.write(file, lines, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private String line() {
        return String.join(TAB, program, Integer.toString(jdk), allocator, key, value, unit);
    }

    private static MemoryFigure parse(String line) {
        String[] parts = line.split(TAB, -1);
        return new MemoryFigure(parts[0], Integer.parseInt(parts[1]), parts[2], parts[3], parts[4], parts[5]);
    }
}
