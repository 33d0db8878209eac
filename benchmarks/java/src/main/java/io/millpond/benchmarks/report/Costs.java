package io.millpond.benchmarks.report;

import io.millpond.benchmarks.Allocator;
import io.millpond.benchmarks.Figure;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The figures of the JMH benchmarks, and the tables of them. */
final class Costs {
    /** Netty's own. */
    static final List<String> PEERS = List.of(Allocator.POOLED, Allocator.ADAPTIVE, Allocator.UNPOOLED);

    private static final long KIB = 1024;
    private static final long MIB = KIB * KIB;
    /** Its values are numbers of buffers, not sizes. */
    private static final String LIVE = "live";

    private final List<Figure> figures;

    Costs(List<Figure> figures) {
        this.figures = figures;
    }

    /** A ratio of two figures, and how far it may be off. */
    record Ratio(double value, double error) {
        static Ratio of(Figure one, Figure other) {
            double value = one.nanos() / other.nanos();
            return new Ratio(value, value * Math.hypot(one.error() / one.nanos(), other.error() / other.nanos()));
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%.2f ±%.2f", value, error);
        }
    }

    /** The last such figure; null if there is none. */
    Figure find(String suite, int jdk, String value, String allocator) {
        Optional<Figure> last = figures.stream().filter(figure -> figure.suite().equals(suite) && figure.jdk() == jdk
            && figure.value().equals(value) && figure.allocator().equals(allocator)).reduce((first, second) -> second);
        return last.orElse(null);
    }

    /** Netty's own allocator that took the least time there; null if none was measured. */
    Figure bestPeer(String suite, int jdk, String value) {
        return PEERS.stream().map(peer -> find(suite, jdk, value, peer)).filter(Objects::nonNull)
            .min(Comparator.comparingDouble(Figure::nanos)).orElse(null);
    }

    TreeSet<Integer> jdks() {
        return figures.stream().map(Figure::jdk).collect(Collectors.toCollection(TreeSet::new));
    }

    /** Nanoseconds of a suite, JDK by JDK, with the ratios to the best of Netty's own. */
    String table(String suite) {
        List<Figure> all = figures.stream().filter(figure -> figure.suite().equals(suite)).toList();
        List<String> values = all.stream().map(Figure::value).distinct().toList();
        List<String> allocators = Allocator.NAMES.stream()
            .filter(name -> all.stream().anyMatch(figure -> figure.allocator().equals(name))).toList();
        List<String> ours = allocators.stream().filter(name -> name.startsWith(Allocator.MILLPOND)).toList();
        Table table = new Table();
        table.row("ns", allocators, ours.stream().map(name -> name + " / best of Netty").toList());
        for (int jdk : new TreeSet<>(all.stream().map(Figure::jdk).toList())) {
            for (String value : values) {
                table.row(label(suite, jdk, value), allocators.stream()
                    .map(name -> nanos(find(suite, jdk, value, name))).toList(),
                    ours.stream().map(name -> ratio(find(suite, jdk, value, name), bestPeer(suite, jdk, value))).toList());
            }
        }
        return table.toString();
    }

    /** Bytes of garbage, in the same manner. */
    String garbage(List<String> suites) {
        Table table = new Table();
        table.row("bytes of heap for a buffer", Allocator.NAMES);
        for (String suite : suites) {
            List<String> values = figures.stream().filter(figure -> figure.suite().equals(suite)).map(Figure::value)
                .distinct().toList();
            for (int jdk : jdks()) {
                for (String value : values) {
                    table.row(suite + ", " + label(suite, jdk, value),
                        Allocator.NAMES.stream().map(name -> bytes(find(suite, jdk, value, name))).toList());
                }
            }
        }
        return table.toString();
    }

    /** The suites that have no allocators: one figure for each JDK. */
    String plain(List<String> suites) {
        Table table = new Table();
        table.row("ns", jdks().stream().map(jdk -> "JDK " + jdk).toList());
        for (String suite : suites) {
            table.row(suite, jdks().stream().map(jdk -> figures.stream()
                .filter(figure -> figure.suite().equals(suite) && figure.jdk() == jdk).reduce((first, second) -> second)
                .map(Costs::nanos).orElse("–")).toList());
        }
        return table.toString();
    }

    /** Where a figure is from. */
    static String label(String suite, int jdk, String value) {
        return "JDK " + jdk + (value.isEmpty() ? "" : ", " + (suite.equals(LIVE) ? value : size(Long.parseLong(value))));
    }

    private static String size(long bytes) {
        return bytes >= MIB ? bytes / MIB + " MiB" : bytes >= KIB ? bytes / KIB + " KiB" : bytes + " B";
    }

    private static String nanos(Figure figure) {
        return figure == null ? "–" : number(figure.nanos()) + " ±" + number(figure.error());
    }

    private static String ratio(Figure one, Figure other) {
        return one == null || other == null ? "–" : Ratio.of(one, other).toString();
    }

    private static String bytes(Figure figure) {
        return figure == null || Double.isNaN(figure.garbage()) ? "–" : number(figure.garbage());
    }

    static String number(double value) {
        return String.format(Locale.ROOT, value < 10 ? "%.1f" : "%.0f", value);
    }
}
