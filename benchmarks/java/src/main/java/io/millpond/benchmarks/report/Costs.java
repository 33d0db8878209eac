package io.millpond.benchmarks.report;

import io.millpond.benchmarks.Allocator;
import io.millpond.benchmarks.Figure;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The figures of the JMH benchmarks, and the tables of them. */
final class Costs {
    /** Netty's own. */
    static final List<String> PEERS = Allocator.NAMES.stream()
        .filter(name -> !name.startsWith(Allocator.MILLPOND) && !name.equals(Allocator.DIRECT)).toList();

    private static final long KIB = 1024;
    private static final long MIB = KIB * KIB;
    /** Suites whose values are numbers of buffers, not their sizes. */
    private static final Pattern COUNTS = Pattern.compile("live.*|random sizes");

    private final List<Figure> figures;

    Costs(List<Figure> figures) {
        this.figures = figures;
    }

    /** How a figure stands beside the best of its peers. */
    enum Standing { WIN, TIE, LOSS }

    /** A ratio of two figures, and how far it may be off. */
    record Ratio(double value, double error) {
        /** Less than this apart is a tie, however sure it is. */
        private static final double TIE = 0.05;

        /** Null if one of them was not measured. */
        static Ratio of(Figure one, Figure other) {
            if (one == null || other == null) {
                return null;
            }
            double value = one.nanos() / other.nanos();
            return new Ratio(value, value * Math.hypot(one.error() / one.nanos(), other.error() / other.nanos()));
        }

        Standing standing() {
            double margin = Math.max(error, TIE);
            return value + margin < 1 ? Standing.WIN : value - margin > 1 ? Standing.LOSS : Standing.TIE;
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
        if (all.isEmpty()) {
            return "";
        }
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

    /** How often Millpond wins, ties and loses beside the best of Netty's, suite by suite. */
    String standings() {
        List<String> ours = List.of(Allocator.MILLPOND, Allocator.MILLPOND_NETTY);
        Table table = new Table();
        table.row("wins, ties, losses", ours);
        for (String suite : figures.stream().map(Figure::suite).distinct().toList()) {
            List<List<Standing>> standings = ours.stream().map(name -> standings(suite, name)).toList();
            if (!standings.get(1).isEmpty()) {
                table.row(suite, standings.stream().map(Costs::counts).toList());
            }
        }
        return table.toString();
    }

    /** At each value on each JDK. */
    private List<Standing> standings(String suite, String name) {
        List<String> values = figures.stream().filter(figure -> figure.suite().equals(suite)).map(Figure::value).distinct()
            .toList();
        return jdks().stream().flatMap(jdk -> values.stream()
            .map(value -> Ratio.of(find(suite, jdk, value, name), bestPeer(suite, jdk, value))))
            .filter(Objects::nonNull).map(Ratio::standing).toList();
    }

    private static String counts(List<Standing> standings) {
        return standings.isEmpty() ? "–" : Stream.of(Standing.values())
            .map(standing -> Integer.toString(Collections.frequency(standings, standing))).collect(Collectors.joining(", "));
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
        boolean plain = value.isEmpty() || COUNTS.matcher(suite).matches();
        return "JDK " + jdk + (value.isEmpty() ? "" : ", ") + (plain ? value : size(Long.parseLong(value)));
    }

    private static String size(long bytes) {
        return bytes >= MIB ? bytes / MIB + " MiB" : bytes >= KIB ? bytes / KIB + " KiB" : bytes + " B";
    }

    private static String nanos(Figure figure) {
        return figure == null ? "–" : number(figure.nanos()) + " ±" + number(figure.error());
    }

    private static String ratio(Figure one, Figure other) {
        Ratio ratio = Ratio.of(one, other);
        return ratio == null ? "–" : ratio.standing() == Standing.WIN ? ratio.toString() : ratio + " " + word(ratio.standing());
    }

    static String word(Standing standing) {
        return standing.name().toLowerCase(Locale.ROOT);
    }

    private static String bytes(Figure figure) {
        return figure == null || Double.isNaN(figure.garbage()) ? "–" : number(figure.garbage());
    }

    static String number(double value) {
        return String.format(Locale.ROOT, value < 10 ? "%.1f" : "%.0f", value);
    }
}
