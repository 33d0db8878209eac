package io.millpond.benchmarks.report;

import io.millpond.benchmarks.memory.MemoryFigure;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The tables of the memory programs: a row for each allocator on each JDK, a column for each thing that was found. */
final class Memory {
    private final List<MemoryFigure> figures;

    Memory(List<MemoryFigure> figures) {
        this.figures = figures;
    }

    String table(String program) {
        Map<String, Map<String, String>> rows = new LinkedHashMap<>();
        Set<String> columns = new LinkedHashSet<>();
        for (MemoryFigure figure : figures) {
            if (figure.program().equals(program) && !figure.isSample()) {
                String column = figure.unit().isEmpty() ? figure.key() : figure.key() + ", " + figure.unit();
                columns.add(column);
                rows.computeIfAbsent("JDK " + figure.jdk() + ", " + figure.allocator(), key -> new LinkedHashMap<>())
                    .put(column, figure.value());
            }
        }
        if (rows.isEmpty()) {
            return "";
        }
        Table table = new Table();
        table.row("", List.copyOf(columns));
        rows.forEach((label, row) -> table.row(label, columns.stream().map(column -> row.getOrDefault(column, "–")).toList()));
        return table.toString();
    }
}
