package io.millpond.benchmarks;

import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A set of live buffers of {@linkplain Sizes#logNormal log-normal sizes}; each operation replaces one, chosen at random, by
 * one of another size.
 */
public class LiveBenchmark extends AllocatorBenchmark {
    private static final int SIZES = 1 << 14;

    /** How many are live; a power of two. */
    @Param("128")
    public int live;

    /** A thread's set. */
    @State(Scope.Thread)
    public static class Set {
        private final int[] sizes = Sizes.logNormal(SIZES, 1);
        private final SplittableRandom random = new SplittableRandom(2);
        private Object[] buffers;
        private int next;

        /**
         * Fills the set.
         *
         * @param benchmark whose allocator to take
         */
        @Setup
        public void fill(LiveBenchmark benchmark) {
            buffers = new Object[benchmark.live];
            for (int i = 0; i < buffers.length; i++) {
                buffers[i] = benchmark.subject.take(nextSize());
            }
        }

        /**
         * Gives the set back.
         *
         * @param benchmark whose allocator it is from
         */
        @TearDown
        public void empty(LiveBenchmark benchmark) {
            for (int i = 0; i < buffers.length; i++) {
                benchmark.subject.give(buffers[i]);
                buffers[i] = null;
            }
        }

        private int nextSize() {
            return sizes[next++ & (SIZES - 1)];
        }
    }

    /**
     * Replaces one.
     *
     * @param set the thread's
     * @return something that depends on the buffer
     */
    @Benchmark
    public int replace(Set set) {
        int place = set.random.nextInt() & (set.buffers.length - 1);
        subject.give(set.buffers[place]);
        Object buffer = subject.take(set.nextSize());
        set.buffers[place] = buffer;
        return subject.touch(buffer);
    }
}
