package io.millpond.benchmarks.server;

import io.millpond.benchmarks.memory.Candidate;
import io.millpond.benchmarks.memory.MemoryFigure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * Every candidate in turn, three times.
 *
 * <p>Threading: for one thread.
 */
final class Rounds {
    private static final int COUNT = 3;
    private static final List<Column> MEDIANS = List.of(
        new Column("p50", "ms", run -> run.load().median()),
        new Column("p99", "ms", run -> run.load().p99()),
        new Column("collections", "", ServerRun.Outcome::collections),
        new Column("in collections", "ms", ServerRun.Outcome::collectionMillis),
        new Column("peak", "MiB", ServerRun.Outcome::peak),
        new Column("after-5s", "MiB", ServerRun.Outcome::after),
        new Column("held after-5s", "MiB", ServerRun.Outcome::held));

    private final Protocol protocol;
    private final Path directory;
    private final Wrk wrk;
    private final Map<Candidate, List<ServerRun.Outcome>> outcomes = new HashMap<>();

    private record Column(String key, String unit, ToDoubleFunction<ServerRun.Outcome> of) {}

    Rounds(Protocol protocol, Path directory, Wrk wrk) {
        this.protocol = protocol;
        this.directory = directory;
        this.wrk = wrk;
    }

    void run(List<Candidate> candidates) throws IOException, InterruptedException {
        for (int round = 1; round <= COUNT; round++) {
            for (Candidate candidate : candidates) {
                try (ServerRun run = new ServerRun(candidate, protocol, directory, wrk)) {
                    ServerRun.Outcome outcome = run.measure();
                    outcomes.computeIfAbsent(candidate, key -> new ArrayList<>()).add(outcome);
                    System.out.printf(Locale.ROOT, "[%s, round %d of %d] %s: %.0f requests/s, p99 %.2f ms, after 5 s %.2f MiB%n",
                        protocol.program(), round, COUNT, candidate, outcome.load().rate(), outcome.load().p99(),
                        outcome.after());
                }
            }
        }
    }

    /** Medians, and how far the rates are apart. */
    List<MemoryFigure> figures(Candidate candidate) {
        double[] rates = sorted(candidate, run -> run.load().rate());
        List<MemoryFigure> figures = new ArrayList<>();
        figures.add(figure(candidate, "requests/s", "", median(rates)));
        figures.add(figure(candidate, "slowest round", "", rates[0]));
        figures.add(figure(candidate, "fastest round", "", rates[rates.length - 1]));
        for (Column column : MEDIANS) {
            figures.add(figure(candidate, column.key(), column.unit(), median(sorted(candidate, column.of()))));
        }
        return figures;
    }

    private MemoryFigure figure(Candidate candidate, String key, String unit, double value) {
        return MemoryFigure.number(protocol.program(), candidate.jdk().version(), candidate.allocator(), key, value, unit);
    }

    private double[] sorted(Candidate candidate, ToDoubleFunction<ServerRun.Outcome> of) {
        return outcomes.get(candidate).stream().mapToDouble(of).sorted().toArray();
    }

    private static double median(double[] sorted) {
        return sorted[sorted.length / 2];
    }
}
