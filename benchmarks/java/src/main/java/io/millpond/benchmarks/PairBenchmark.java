package io.millpond.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** One buffer taken, written to once and given back, over and over: the shortest path there is. */
public class PairBenchmark extends AllocatorBenchmark {
    /** Capacity of the buffer in bytes. */
    @Param("256")
    public int size;

    /**
     * The pair.
     *
     * @return something that depends on the buffer, so that no part of the work can be left out
     */
    @Benchmark
    public int pair() {
        Object buffer = subject.take(size);
        int seen = subject.touch(buffer);
        subject.give(buffer);
        return seen;
    }
}
