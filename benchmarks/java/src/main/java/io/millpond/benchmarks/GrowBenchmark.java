package io.millpond.benchmarks;

import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Buffers that begin with 256 bytes and are doubled until they are large enough, as those are whose writer does not know the
 * length. 2048 are live; each operation gives one of them back, chosen at random, and has another one grow.
 */
public class GrowBenchmark extends AllocatorBenchmark {
    private static final int LIVE = 2048;
    private static final int FIRST_SIZE = 256;

    /** Where growing ends, in bytes; 256 times a power of two. */
    @Param("4096")
    public int size;

    /** A thread's buffers. */
    @State(Scope.Thread)
    public static class Set {
        private final SplittableRandom random = new SplittableRandom(1);
        private final Object[] buffers = new Object[LIVE];

        /**
         * Fills the set.
         *
         * @param benchmark whose allocator to take
         */
        @Setup
        public void fill(GrowBenchmark benchmark) {
            for (int i = 0; i < LIVE; i++) {
                buffers[i] = benchmark.grown();
            }
        }

        /**
         * Gives the set back.
         *
         * @param benchmark whose allocator it is from
         */
        @TearDown
        public void empty(GrowBenchmark benchmark) {
            for (int i = 0; i < LIVE; i++) {
                benchmark.subject.give(buffers[i]);
                buffers[i] = null;
            }
        }
    }

    private Object grown() {
        Object buffer = subject.take(FIRST_SIZE);
        for (int capacity = FIRST_SIZE; capacity < size; capacity *= 2) {
            buffer = subject.grow(buffer, 2 * capacity);
        }
        return buffer;
    }

    /**
     * Replaces one.
     *
     * @param set the thread's
     * @return something that depends on the buffer
     */
    @Benchmark
    public int grow(Set set) {
        int place = set.random.nextInt() & (LIVE - 1);
        subject.give(set.buffers[place]);
        Object buffer = grown();
        set.buffers[place] = buffer;
        return subject.touch(buffer);
    }
}
