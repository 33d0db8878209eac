package io.millpond.benchmarks.report;

import io.millpond.benchmarks.Allocator;
import io.millpond.benchmarks.memory.MemoryFigure;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BinaryOperator;

/** The HTTP server beside the best of Netty's allocators, where it comes off worst. */
final class Server {
    private static final List<String> PROGRAMS = List.of("http", "https", "https-jdk");

    private final List<MemoryFigure> figures;
    private final Collection<Integer> jdks;

    Server(List<MemoryFigure> figures, Collection<Integer> jdks) {
        this.figures = figures;
        this.jdks = jdks;
    }

    /** One figure of Millpond's and the best of its peers'. */
    record Pair(String where, double own, double best) {
        double ratio() {
            return own / best;
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%.2f to %.2f (%s)", own, best, where);
        }
    }

    /** Where there are the fewest requests a second. */
    Optional<Pair> slowest() {
        return pairs("requests/s", Math::max).stream().min(Comparator.comparingDouble(Pair::ratio));
    }

    /** Where 99 % of the answers take longest. */
    Optional<Pair> latest() {
        return pairs("p99", Math::min).stream().max(Comparator.comparingDouble(Pair::ratio));
    }

    /** Where most is resident five seconds after the load. */
    Optional<Pair> largest() {
        return pairs("after-5s", Math::min).stream().max(Comparator.comparingDouble(pair -> pair.own() - pair.best() / 3));
    }

    private List<Pair> pairs(String key, BinaryOperator<Double> better) {
        return PROGRAMS.stream().flatMap(program -> jdks.stream().map(jdk -> pair(program, jdk, key, better)))
            .filter(Objects::nonNull).toList();
    }

    /** Null if it was not measured. */
    private Pair pair(String program, int jdk, String key, BinaryOperator<Double> better) {
        List<MemoryFigure> measured = figures.stream().filter(figure -> figure.program().equals(program)
            && figure.jdk() == jdk && figure.key().equals(key)).toList();
        Optional<Double> own = measured.stream().filter(figure -> figure.allocator().equals(Allocator.MILLPOND_NETTY))
            .map(MemoryFigure::number).findAny();
        Optional<Double> best = measured.stream().filter(figure -> Costs.PEERS.contains(figure.allocator()))
            .map(MemoryFigure::number).reduce(better);
        return own.isEmpty() || best.isEmpty() ? null : new Pair(program + ", JDK " + jdk, own.get(), best.get());
    }
}
