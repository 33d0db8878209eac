package io.millpond.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** 64 buffers taken, then given back in the order they were taken. The figure is for one of them. */
public class BurstBenchmark extends AllocatorBenchmark {
    private static final int COUNT = 64;

    /** Capacity of each buffer in bytes. */
    @Param("1024")
    public int size;

    /** What a thread has taken. */
    @State(Scope.Thread)
    public static class Live {
        private final Object[] buffers = new Object[COUNT];
    }

    /**
     * The burst.
     *
     * @param live the thread's
     * @return something that depends on the buffers
     */
    @Benchmark
    @OperationsPerInvocation(COUNT)
    public int burst(Live live) {
        Object[] buffers = live.buffers;
        int seen = 0;
        for (int i = 0; i < COUNT; i++) {
            Object buffer = subject.take(size);
            seen += subject.touch(buffer);
            buffers[i] = buffer;
        }
        for (int i = 0; i < COUNT; i++) {
            subject.give(buffers[i]);
            buffers[i] = null;
        }
        return seen;
    }
}
