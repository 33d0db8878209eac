package io.millpond.benchmarks;

import java.util.List;
import java.util.regex.Pattern;
import org.openjdk.jmh.annotations.Mode;

/**
 * A row of tables: one benchmark, over the values of its parameter and a list of allocators, under one set of conditions.
 *
 * @param name what the report calls it
 * @param benchmark class and method, {@code PairBenchmark.pair}
 * @param parameter the parameter's name; empty if there is none
 * @param values of the parameter; one empty string if there is none
 * @param allocators which of {@link Allocator#NAMES}; empty if the benchmark has none
 * @param threads how many run it at once
 * @param kind what kind of thread
 * @param collector the JVM's garbage collector
 * @param flags what else the JVM is told
 * @param oldestJdk the first version of Java that has what it needs
 * @param rounds how many times each allocator has its turn, on a new JVM
 */
public record Suite(String name, String benchmark, String parameter, List<String> values, List<String> allocators, int threads,
        Kind kind, Collector collector, List<String> flags, int oldestJdk, int rounds) {
    /** Kinds of threads, and what tells JMH to use them. */
    public enum Kind {
        /** Those of Netty's event executors, as its event loops are. */
        NETTY("-Djmh.executor=CUSTOM", "-Djmh.executor.class=" + NettyThreads.class.getName()),
        /** As {@code new Thread} makes them. */
        PLAIN(),
        /** Of Java 21 and later. */
        VIRTUAL("-Djmh.executor=VIRTUAL");

        private final List<String> flags;

        Kind(String... flags) {
            this.flags = List.of(flags);
        }

        List<String> flags() {
            return flags;
        }
    }

    /** Garbage collectors. */
    public enum Collector {
        /** The default. */
        G1,
        /** The one with the cheapest barriers. */
        Parallel,
        /** The one without pauses. On 25 it is generational. */
        Z;

        String flag() {
            return "-XX:+Use" + name() + "GC";
        }
    }

    /**
     * Chooses by name.
     *
     * @param regex what is to be found in the name
     * @param plan from which
     * @return those with such names, at least one
     * @throws IllegalArgumentException if there are none
     */
    static List<Suite> matching(String regex, List<Suite> plan) {
        Pattern only = Pattern.compile(regex);
        List<Suite> suites = plan.stream().filter(suite -> only.matcher(suite.name()).find()).toList();
        if (suites.isEmpty()) {
            throw new IllegalArgumentException("no suite matches '" + regex + "'; there are "
                + plan.stream().map(Suite::name).toList());
        }
        return suites;
    }

    /**
     * What JMH counts. With one thread the mean of the times; with more of them what all get done together, because the mean of
     * their times is mostly that of a thread that hardly ever had a processor.
     */
    Mode mode() {
        return threads == 1 ? Mode.AverageTime : Mode.Throughput;
    }

    /** Nanoseconds that one thread takes for one operation, from what JMH found. */
    double nanos(double score) {
        return threads == 1 ? score : threads / score;
    }

    Suite on(Kind other) {
        return new Suite(name, benchmark, parameter, values, allocators, threads, other, collector, flags, oldestJdk, rounds);
    }

    Suite on(int otherThreads) {
        return new Suite(name, benchmark, parameter, values, allocators, otherThreads, kind, collector, flags, oldestJdk, rounds);
    }

    Suite under(Collector other) {
        return new Suite(name, benchmark, parameter, values, allocators, threads, kind, other, flags, oldestJdk, rounds);
    }

    Suite called(String other) {
        return new Suite(other, benchmark, parameter, values, allocators, threads, kind, collector, flags, oldestJdk, rounds);
    }

    Suite over(String... others) {
        return new Suite(name, benchmark, parameter, List.of(others), allocators, threads, kind, collector, flags, oldestJdk,
            rounds);
    }

    Suite of(String... others) {
        return new Suite(name, benchmark, parameter, values, List.of(others), threads, kind, collector, flags, oldestJdk, rounds);
    }

    Suite told(String... others) {
        return new Suite(name, benchmark, parameter, values, allocators, threads, kind, collector, List.of(others), oldestJdk,
            rounds);
    }

    Suite since(int jdk) {
        return new Suite(name, benchmark, parameter, values, allocators, threads, kind, collector, flags, jdk, rounds);
    }

    Suite rounds(int count) {
        return new Suite(name, benchmark, parameter, values, allocators, threads, kind, collector, flags, oldestJdk, count);
    }
}
