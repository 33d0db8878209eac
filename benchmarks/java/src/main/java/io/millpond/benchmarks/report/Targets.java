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
    private static final String[] SMALL = {"256", "4096", "16384"};

    private static final String NOT_MEASURED = "not measured";

    private final Costs costs;
    private final List<MemoryFigure> memory;
    private final Table table = new Table();

    Targets(Costs costs, List<MemoryFigure> memory) {
        this.costs = costs;
        this.memory = memory;
        table.row("target", List.of("aim", "measured, at worst", "", "to the best of Netty"));
    }

    String core() {
        String own = Allocator.MILLPOND;
        toPeers("pair, 256 B–16 KiB, to the best of Netty", own, "pair", 0.75, SMALL);
        toFloor(1.6);
        to("… to `allocateDirect`", Allocator.DIRECT, 1 / 20.0);
        toPeers("pair, 64 KiB–8 MiB", own, "pair", 0.5, "65536", "1048576", "8388608");
        toPeers("burst of 64, 4 KiB", own, "burst of 64", 0.75, "4096");
        toPeers("burst of 64, 64 KiB", own, "burst of 64", 0.5, "65536");
        toPeers("burst of 64, 1 MiB", own, "burst of 64", 1, "1048576");
        toPeers("8192 live, log-normal", own, "live", 0.75, "8192");
        workloads(own);
        toPeers("producer → consumer, 256 B–64 KiB", own, "exchange", 0.6, "256", "4096", "65536");
        toPeers("virtual threads, pair", own, "pair, virtual thread", 0.8, "4096", "65536");
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
        toPeers("`directBuffer` + `release`, 256 B–16 KiB, event-loop thread", own, "pair", 0.9, SMALL);
        toPeers("… 64 KiB–8 MiB", own, "pair", 0.6, "65536", "1048576", "8388608");
        toPeers("… plain thread", own, "pair, plain thread", 0.6, "4096", "65536");
        toPeers("burst of 64, 4 and 64 KiB", own, "burst of 64", 0.9, "4096", "65536");
        toPeers("8192 live", own, "live", 0.75, "8192");
        workloads(own);
        toPeers("across two event loops", own, "exchange", 0.7, "256", "4096", "65536");
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

    /** Those of which is asked no more than not to lose. */
    private void workloads(String own) {
        for (String suite : List.of("2048 of one size", "8192 of one size", "grow")) {
            toPeers(suite, own, suite, 1, "4096", "65536");
        }
        toPeers("random sizes up to 16 KiB", own, "random sizes", 1, "128", "131072");
        for (String threads : List.of("8 threads", "32 threads")) {
            toPeers("pair, " + threads, own, "pair, " + threads, 1, "4096", "65536");
            toPeers("128 live, " + threads, own, "live, " + threads, 1, "128");
        }
    }

    private void server(String what, String aim, Optional<Server.Pair> worst, Predicate<Server.Pair> met) {
        row(what, aim, worst.map(Server.Pair::toString).orElse(null), worst.isPresent() && met.test(worst.get()));
    }

    private void toPeers(String what, String own, String suite, double aim, String... values) {
        Worst worst = worst(own, suite, (jdk, value) -> costs.bestPeer(suite, jdk, value), values);
        boolean met = worst != null && worst.ratio().value() <= aim;
        table.row(what, worst == null ? List.of(aim(aim), NOT_MEASURED, "", "")
            : List.of(aim(aim), worst.toString(), word(met), Costs.word(worst.ratio().standing())));
    }

    private void to(String what, String other, double aim) {
        toOther(what, aim, (jdk, value) -> costs.find("pair", jdk, value, other));
    }

    private void toFloor(double aim) {
        toOther("… to `floor`", aim, (jdk, value) -> costs.find("floor", jdk, "", ""));
    }

    private void toOther(String what, double aim, Other other) {
        Worst worst = worst(Allocator.MILLPOND, "pair", other, SMALL);
        row(what, aim(aim), worst == null ? null : worst.toString(), worst != null && worst.ratio().value() <= aim);
    }

    /** Whom to compare with at one size on one JDK. */
    private interface Other {
        Figure at(int jdk, String value);
    }

    /** Where a ratio is worst. */
    private record Worst(Costs.Ratio ratio, String where) {
        @Override
        public String toString() {
            return ratio + " (" + where + ")";
        }
    }

    /** Null if nothing was measured. */
    private Worst worst(String own, String suite, Other other, String... values) {
        Worst worst = null;
        for (int jdk : costs.jdks()) {
            for (String value : values) {
                Costs.Ratio ratio = Costs.Ratio.of(costs.find(suite, jdk, value, own), other.at(jdk, value));
                if (ratio != null && (worst == null || ratio.value() > worst.ratio().value())) {
                    worst = new Worst(ratio, Costs.label(suite, jdk, value));
                }
            }
        }
        return worst;
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
        row(what, String.format(Locale.ROOT, "≤ %.0f B", aim), measured, met);
    }

    private void most(String what, String program, String key, double aim, String unit) {
        double most = memory.stream().filter(figure -> figure.program().equals(program) && figure.key().equals(key)
            && figure.allocator().equals(Allocator.MILLPOND)).mapToDouble(MemoryFigure::number).max().orElse(Double.NaN);
        String measured = String.format(Locale.ROOT, unit.isEmpty() ? "%.2f" : "%.0f %s", most, unit);
        row(what, aim(aim) + " " + unit, Double.isNaN(most) ? null : measured, most <= aim);
    }

    private void survived() {
        List<String> ends = memory.stream().filter(figure -> figure.program().equals("container")
            && figure.key().equals("outcome") && figure.allocator().equals(Allocator.MILLPOND)).map(MemoryFigure::value)
            .distinct().toList();
        row("in the container", "survives", ends.isEmpty() ? null : String.join(", ", ends), ends.equals(List.of("survived")));
    }

    private static String aim(double aim) {
        return aim >= 10 ? String.format(Locale.ROOT, "≤ %.0f", aim) : String.format(Locale.ROOT, "≤ %.2f", aim);
    }

    /** One that has no peer, or is not a ratio to it. */
    private void row(String what, String aim, String measured, boolean met) {
        table.row(what, measured == null ? List.of(aim, NOT_MEASURED, "", "") : List.of(aim, measured, word(met), ""));
    }

    private static String word(boolean met) {
        return met ? "met" : "**missed**";
    }
}
