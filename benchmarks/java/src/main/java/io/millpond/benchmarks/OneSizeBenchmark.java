package io.millpond.benchmarks;

import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A set of live buffers of one size; each operation replaces one, chosen at random. */
public class OneSizeBenchmark extends AllocatorBenchmark {
    private static final int FEW = 2048;
    private static final int MANY = 8192;

    /** Capacity of each buffer in bytes. */
    @Param("4096")
    public int size;

    /** A thread's set of 2048. */
    @State(Scope.Thread)
    public static class Few extends Set {
        /** As JMH calls it. */
        public Few() {
            super(FEW);
        }
    }

    /** A thread's set of 8192. */
    @State(Scope.Thread)
    public static class Many extends Set {
        /** As JMH calls it. */
        public Many() {
            super(MANY);
        }
    }

    /** A thread's set. */
    @State(Scope.Thread)
    public abstract static class Set {
        private final SplittableRandom random = new SplittableRandom(1);
        private final Object[] buffers;

        Set(int count) {
            buffers = new Object[count];
        }

        /**
         * Fills the set.
         *
         * @param benchmark whose allocator to take
         */
        @Setup
        public void fill(OneSizeBenchmark benchmark) {
            for (int i = 0; i < buffers.length; i++) {
                buffers[i] = benchmark.subject.take(benchmark.size);
            }
        }

        /**
         * Gives the set back.
         *
         * @param benchmark whose allocator it is from
         */
        @TearDown
        public void empty(OneSizeBenchmark benchmark) {
            for (int i = 0; i < buffers.length; i++) {
                benchmark.subject.give(buffers[i]);
                buffers[i] = null;
            }
        }
    }

    /**
     * Replaces one of 2048.
     *
     * @param set the thread's
     * @return something that depends on the buffer
     */
    @Benchmark
    public int few(Few set) {
        return replace(set);
    }

    /**
     * Replaces one of 8192.
     *
     * @param set the thread's
     * @return something that depends on the buffer
     */
    @Benchmark
    public int many(Many set) {
        return replace(set);
    }

    private int replace(Set set) {
        int place = set.random.nextInt() & (set.buffers.length - 1);
        subject.give(set.buffers[place]);
        Object buffer = subject.take(size);
        set.buffers[place] = buffer;
        return subject.touch(buffer);
    }
}
