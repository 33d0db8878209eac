package io.millpond.benchmarks.report;

import io.millpond.benchmarks.Allocator;
import io.millpond.benchmarks.Figure;
import io.millpond.benchmarks.memory.MemoryFigure;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;

/** What was aimed at, and what came out: of each target the worst figure among its sizes and JDKs. */
final class Targets {
    private static final String[] SMALL = {"256", "1024", "4096", "16384"};

    private final Costs costs;
    private final List<MemoryFigure> memory;
    private final Table table = new Table();

    Targets(Costs costs, List<MemoryFigure> memory) {
        this.costs = costs;
        this.memory = memory;
        table.row("target", List.of("aim", "measured, at worst", ""));
    }

    String core() {
        String own = Allocator.MILLPOND;
        toPeers("pair, 256 B–16 KiB, to the best of Netty", own, "pair", 0.65, SMALL);
        toFloor(1.6);
        to("… to `allocateDirect`", Allocator.DIRECT, 1 / 20.0);
        toPeers("pair, 64 KiB", own, "pair", 1 / 3.0, "65536");
        toPeers("pair, 1 MiB", own, "pair", 1 / 10.0, "1048576");
        toPeers("pair, 8 MiB", own, "pair", 1 / 20.0, "8388608");
        toPeers("burst of 64, 1–16 KiB", own, "burst of 64", 0.6, "1024", "4096", "16384");
        toPeers("burst of 64, 64 KiB", own, "burst of 64", 1 / 8.0, "65536");
        toPeers("8192 live, log-normal", own, "live", 0.5, "8192");
        toPeers("producer → consumer, 256 B–64 KiB", own, "exchange", 0.6, "256", "1024", "4096", "16384", "65536");
        toPeers("virtual threads, pair", own, "pair, virtual thread", 0.8, "256", "4096", "65536");
        garbage("garbage of a pair", own, 24);
        most("RSS above the start 5 s after 1 GiB was released", "retained", "after-5s", 40, "MiB");
        most("peak RSS for 1 GiB live, to what was asked for", "retained", "peak-to-asked", 1.08, "");
        survived();
        most("`trim()` of 1 GiB free", "trim-time", "trim-median", 100, "ms");
        most("`close()` of 1 GiB free", "trim-time", "close-median", 100, "ms");
        return table.toString();
    }

    String netty() {
        String own = Allocator.MILLPOND_NETTY;
        toPeers("`directBuffer` + `release`, 256 B–16 KiB, event-loop thread", own, "pair", 0.8, SMALL);
        toPeers("… 64 KiB", own, "pair", 0.4, "65536");
        toPeers("… plain thread", own, "pair, plain thread", 0.6, "256", "4096", "16384", "65536");
        toPeers("burst of 64", own, "burst of 64", 0.7, "1024", "4096", "16384", "65536");
        toPeers("8192 live", own, "live", 0.5, "8192");
        toPeers("across two event loops", own, "exchange", 0.7, "256", "1024", "4096", "16384", "65536");
        for (String method : List.of("getLong", "writeBytes", "setZero", "indexOf")) {
            toPeers("`" + method + "`", own, method, 1.05, "");
        }
        garbage("garbage of `directBuffer` + `release`", own, 0);
        Server server = new Server(memory, costs.jdks());
        server("HTTP server, requests/s, to the best of Netty", "≥ that", server.slowest(), pair -> pair.ratio() >= 1);
        server("… p99, ms", "≤ that", server.latest(), pair -> pair.ratio() <= 1);
        server("… RSS above the start 5 s after the load, MiB", "≤ 1/3 of that", server.largest(),
            pair -> pair.own() <= pair.best() / 3);
        return table.toString();
    }

    private void server(String what, String aim, Optional<Server.Pair> worst, Predicate<Server.Pair> met) {
        table.row(what, worst.isEmpty() ? List.of(aim, "not measured", "")
            : List.of(aim, worst.get().toString(), word(met.test(worst.get()))));
    }

    private void toPeers(String what, String own, String suite, double aim, String... values) {
        worst(what, own, suite, aim, (jdk, value) -> costs.bestPeer(suite, jdk, value), values);
    }

    private void to(String what, String other, double aim) {
        worst(what, Allocator.MILLPOND, "pair", aim, (jdk, value) -> costs.find("pair", jdk, value, other), SMALL);
    }

    private void toFloor(double aim) {
        worst("… to `floor`", Allocator.MILLPOND, "pair", aim, (jdk, value) -> costs.find("floor", jdk, "", ""), SMALL);
    }

    /** Whom to compare with at one size on one JDK. */
    private interface Other {
        Figure at(int jdk, String value);
    }

    private void worst(String what, String own, String suite, double aim, Other other, String... values) {
        Costs.Ratio worst = null;
        String where = "";
        for (int jdk : costs.jdks()) {
            for (String value : values) {
                Figure mine = costs.find(suite, jdk, value, own);
                Figure theirs = other.at(jdk, value);
                Costs.Ratio ratio = mine == null || theirs == null ? null : Costs.Ratio.of(mine, theirs);
                if (ratio != null && (worst == null || ratio.value() > worst.value())) {
                    worst = ratio;
                    where = " (" + Costs.label(suite, jdk, value) + ")";
                }
            }
        }
        if (worst == null) {
            table.row(what, List.of(aim(aim), "not measured", ""));
        } else {
            table.row(what, List.of(aim(aim), worst + where, verdict(worst.value(), aim)));
        }
    }

    private void garbage(String what, String own, double aim) {
        double most = 0;
        for (int jdk : costs.jdks()) {
            for (String value : SMALL) {
                Figure figure = costs.find("pair", jdk, value, own);
                most = figure == null ? most : Math.max(most, figure.garbage());
            }
        }
        // Below a tenth of a byte it is JMH's own.
        boolean met = most < aim + 0.1;
        String measured = String.format(Locale.ROOT, "%.2f B", most);
        table.row(what, List.of(String.format(Locale.ROOT, "≤ %.0f B", aim), measured, word(met)));
    }

    private void most(String what, String program, String key, double aim, String unit) {
        double most = memory.stream().filter(figure -> figure.program().equals(program) && figure.key().equals(key)
            && figure.allocator().equals(Allocator.MILLPOND)).mapToDouble(MemoryFigure::number).max().orElse(Double.NaN);
        if (Double.isNaN(most)) {
            table.row(what, List.of(aim(aim) + " " + unit, "not measured", ""));
        } else {
            String measured = String.format(Locale.ROOT, unit.isEmpty() ? "%.2f" : "%.0f %s", most, unit);
            table.row(what, List.of(aim(aim) + " " + unit, measured, verdict(most, aim)));
        }
    }

    private void survived() {
        List<String> ends = memory.stream().filter(figure -> figure.program().equals("container")
            && figure.key().equals("outcome") && figure.allocator().equals(Allocator.MILLPOND)).map(MemoryFigure::value)
            .distinct().toList();
        table.row("in the container", List.of("survives", ends.isEmpty() ? "not measured" : String.join(", ", ends),
            ends.isEmpty() ? "" : word(ends.equals(List.of("survived")))));
    }

    private static String aim(double aim) {
        return aim >= 10 ? String.format(Locale.ROOT, "≤ %.0f", aim) : String.format(Locale.ROOT, "≤ %.2f", aim);
    }

    private static String verdict(double measured, double aim) {
        return word(measured <= aim);
    }

    private static String word(boolean met) {
        return met ? "met" : "**missed**";
    }
}
