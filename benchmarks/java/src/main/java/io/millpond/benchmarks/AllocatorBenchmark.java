package io.millpond.benchmarks;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What the benchmarks of allocators have in common: the one that is measured, and nanoseconds for one buffer. How long, how
 * often and on which threads is decided by {@link Plan}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public abstract class AllocatorBenchmark {
    /** One of {@link Allocator#NAMES}. */
    @Param(Allocator.MILLPOND)
    public String allocator;

    /** What is measured. */
    protected Allocator subject;

    /** Makes the allocator, with nothing in it. */
    @Setup
    public void open() {
        subject = Allocator.named(allocator);
    }

    /** Gives all memory back. */
    @TearDown
    public void close() {
        subject.close();
    }
}
