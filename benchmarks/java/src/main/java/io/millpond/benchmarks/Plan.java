package io.millpond.benchmarks;

import static io.millpond.benchmarks.Allocator.ADAPTIVE;
import static io.millpond.benchmarks.Allocator.MILLPOND;
import static io.millpond.benchmarks.Allocator.MILLPOND_NETTY;
import static io.millpond.benchmarks.Allocator.POOLED;
import static io.millpond.benchmarks.Allocator.UNPOOLED;

import io.millpond.benchmarks.Suite.Collector;
import io.millpond.benchmarks.Suite.Kind;
import java.util.List;

/** Everything that {@code make bench} measures with JMH. */
final class Plan {
    /** All but those that are slower at everything. */
    private static final String[] BEST = {MILLPOND, MILLPOND_NETTY, POOLED, ADAPTIVE};
    private static final String[] FEW_SIZES = {"256", "4096", "65536"};

    private Plan() {}

    static List<Suite> full() {
        Suite pair = suite("pair", "PairBenchmark.pair", "size");
        Suite few = pair.over(FEW_SIZES).of(BEST);
        return List.of(
            suite("floor", "FloorBenchmark.floor", "").over("").of(),
            suite("floor of a burst", "FloorBenchmark.burst", "").over("").of(),
            pair.over("64", "256", "1024", "4096", "16384", "65536", "1048576", "8388608"),
            suite("burst of 64", "BurstBenchmark.burst", "size").over("1024", "4096", "16384", "65536", "1048576").of(BEST),
            suite("live", "LiveBenchmark.replace", "live").over("128", "8192").rounds(4),
            // Two threads on two processors: how the host places these changes from one minute to the next.
            suite("exchange", "ExchangeBenchmark.exchange", "size").over("256", "1024", "4096", "16384", "65536").of(BEST)
                .rounds(6),
            suite("ring", "ExchangeBenchmark.ring", "").over("").of(MILLPOND),
            pair.called("pair, plain thread").on(Kind.PLAIN).over("256", "4096", "16384", "65536").of(BEST),
            few.called("pair, virtual thread").on(Kind.VIRTUAL).since(21),
            // Not more than there are carriers: JMH's threads spin until all are there.
            few.called("pair, 2 virtual threads").on(Kind.VIRTUAL).on(2).since(21),
            few.called("pair, 2 threads").on(2),
            few.called("pair, 8 threads").on(8),
            few.called("pair, Parallel").under(Collector.Parallel),
            few.called("pair, ZGC").under(Collector.Z),
            access("getLong"),
            access("writeBytes"),
            access("setZero"),
            access("indexOf"));
    }

    /** For a first look. */
    static List<Suite> quick() {
        Suite pair = suite("pair", "PairBenchmark.pair", "size").of(BEST);
        return List.of(
            full().get(0),
            pair.over(FEW_SIZES),
            suite("burst of 64", "BurstBenchmark.burst", "size").over("4096", "65536").of(BEST),
            suite("live", "LiveBenchmark.replace", "live").over("8192").of(BEST),
            suite("exchange", "ExchangeBenchmark.exchange", "size").over("4096").of(BEST));
    }

    private static Suite suite(String name, String benchmark, String parameter) {
        return new Suite(name, benchmark, parameter, List.of(), Allocator.NAMES, 1, Kind.NETTY, Collector.G1, 17, 2);
    }

    private static Suite access(String method) {
        return suite(method, "AccessBenchmark." + method, "").over("").of(MILLPOND_NETTY, POOLED, ADAPTIVE, UNPOOLED);
    }
}
