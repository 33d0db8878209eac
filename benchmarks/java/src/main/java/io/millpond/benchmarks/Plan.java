package io.millpond.benchmarks;

import static io.millpond.benchmarks.Allocator.ADAPTIVE;
import static io.millpond.benchmarks.Allocator.MILLPOND;
import static io.millpond.benchmarks.Allocator.MILLPOND_NETTY;
import static io.millpond.benchmarks.Allocator.POOLED;
import static io.millpond.benchmarks.Allocator.UNPOOLED;

import io.millpond.benchmarks.Suite.Collector;
import io.millpond.benchmarks.Suite.Kind;
import java.util.List;

/** What is measured with JMH. */
final class Plan {
    /** All but those that are slower at everything. */
    private static final String[] BEST =
        {MILLPOND, MILLPOND_NETTY, POOLED, POOLED + Tuning.FAST, ADAPTIVE, ADAPTIVE + Tuning.FAST};
    /** As they come. */
    private static final String[] UNTUNED = {MILLPOND, MILLPOND_NETTY, POOLED, ADAPTIVE};
    private static final String[] FEW_SIZES = {"4096", "65536"};
    private static final int THREADS = 8;
    private static final int MANY_THREADS = 32;

    private Plan() {}

    /** Everything that {@code make bench} measures. */
    static List<Suite> full() {
        Suite pair = suite("pair", "PairBenchmark.pair", "size");
        Suite few = pair.over(FEW_SIZES).of(UNTUNED);
        Suite live = suite("live", "LiveBenchmark.replace", "live");
        return List.of(
            suite("floor", "FloorBenchmark.floor", "").over("").of(),
            suite("floor of a burst", "FloorBenchmark.burst", "").over("").of(),
            pair.over("256", "4096", "16384", "65536", "1048576", "8388608"),
            suite("burst of 64", "BurstBenchmark.burst", "size").over("4096", "65536", "1048576").of(BEST),
            live.over("128", "8192"),
            suite("2048 of one size", "OneSizeBenchmark.few", "size").over(FEW_SIZES).of(BEST),
            suite("8192 of one size", "OneSizeBenchmark.many", "size").over(FEW_SIZES).of(BEST),
            suite("grow", "GrowBenchmark.grow", "size").over(FEW_SIZES).of(BEST),
            suite("random sizes", "RandomSizeBenchmark.pair", "sizes").over("128", "131072").of(BEST),
            // Two threads on two processors: how the host places these changes from one minute to the next.
            suite("exchange", "ExchangeBenchmark.exchange", "size").over("256", "4096", "65536").of(BEST).rounds(4),
            suite("ring", "ExchangeBenchmark.ring", "").over("").of(MILLPOND),
            few.called("pair, plain thread").on(Kind.PLAIN).of(BEST),
            few.called("pair, virtual thread").on(Kind.VIRTUAL).since(21).of(BEST),
            // Not more than there are carriers: JMH's threads spin until all are there.
            few.called("pair, 2 virtual threads").on(Kind.VIRTUAL).on(2).since(21),
            few.called("pair, 2 threads").on(2),
            few.called("pair, 8 threads").on(THREADS).of(BEST),
            few.called("pair, 32 threads").on(MANY_THREADS).of(BEST),
            live.called("live, 8 threads").on(THREADS).over("128").of(BEST),
            live.called("live, 32 threads").on(MANY_THREADS).over("128").of(BEST),
            few.called("pair, Parallel").under(Collector.Parallel),
            few.called("pair, ZGC").under(Collector.Z),
            access("getLong"),
            access("writeBytes"),
            access("setZero"),
            access("indexOf"),
            unchecked("getLong"),
            unchecked("writeBytes"));
    }

    /** For a first look. */
    static List<Suite> quick() {
        Suite pair = suite("pair", "PairBenchmark.pair", "size").of(UNTUNED);
        return List.of(
            full().get(0),
            pair.over("256", "4096", "65536"),
            suite("burst of 64", "BurstBenchmark.burst", "size").over(FEW_SIZES).of(UNTUNED),
            suite("live", "LiveBenchmark.replace", "live").over("8192").of(UNTUNED),
            suite("exchange", "ExchangeBenchmark.exchange", "size").over("4096").of(UNTUNED));
    }

    /** What two builds of Millpond are compared by. */
    static List<Suite> paired() {
        String[] own = {MILLPOND, MILLPOND_NETTY};
        return List.of(
            suite("pair", "PairBenchmark.pair", "size").over("256", "65536", "1048576").of(own),
            suite("burst of 64", "BurstBenchmark.burst", "size").over(FEW_SIZES).of(own),
            suite("live", "LiveBenchmark.replace", "live").over("8192").of(own),
            suite("exchange", "ExchangeBenchmark.exchange", "size").over(FEW_SIZES).of(own));
    }

    private static Suite suite(String name, String benchmark, String parameter) {
        return new Suite(name, benchmark, parameter, List.of(), Allocator.NAMES, 1, Kind.NETTY, Collector.G1, List.of(), 17, 2);
    }

    private static Suite access(String method) {
        return suite(method, "AccessBenchmark." + method, "").over("").of(MILLPOND_NETTY, POOLED, ADAPTIVE, UNPOOLED);
    }

    /** As few run it: a wrong index or a late access is not noticed then, and Netty's buffers reach into foreign memory. */
    private static Suite unchecked(String method) {
        return access(method).called(method + ", unchecked")
            .told("-Dio.netty.buffer.checkBounds=false", "-Dio.netty.buffer.checkAccessible=false");
    }
}
