package io.millpond.benchmarks.report;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A table in Markdown; its first row is the header, its first column the labels. */
final class Table {
    private final StringBuilder text = new StringBuilder();

    void row(String label, List<String> cells) {
        row(label, cells, List.of());
    }

    void row(String label, List<String> cells, List<String> more) {
        List<String> all = Stream.of(List.of(label), cells, more).flatMap(List::stream).toList();
        boolean first = text.isEmpty();
        text.append(all.stream().collect(Collectors.joining(" | ", "| ", " |\n")));
        if (first) {
            text.append("| --- |").append(" ---: |".repeat(all.size() - 1)).append('\n');
        }
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
