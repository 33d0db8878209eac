package io.millpond.benchmarks;

import java.util.Random;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * A pair, each time of another size: every doubling up to 16 KiB is as likely as the others. Of a few sizes in turn the
 * processor learns which way each branch will go; of very many it cannot, and an allocator that branches on the size shows.
 */
public class RandomSizeBenchmark extends AllocatorBenchmark {
    private static final int SMALLEST_DOUBLING = 5;
    private static final int DOUBLINGS = 9;

    /** How many sizes there are before they come again; a power of two. */
    @Param("131072")
    public int sizes;

    /** What a thread asks for. */
    @State(Scope.Thread)
    public static class Sequence {
        private int[] sizes;
        private int next;

        /**
         * Draws the sizes.
         *
         * @param benchmark how many
         */
        @Setup
        public void draw(RandomSizeBenchmark benchmark) {
            Random random = new Random(1);
            sizes = new int[benchmark.sizes];
            for (int i = 0; i < sizes.length; i++) {
                int least = 1 << SMALLEST_DOUBLING + random.nextInt(DOUBLINGS);
                sizes[i] = least + 1 + random.nextInt(least);
            }
        }
    }

    /**
     * The pair.
     *
     * @param sequence the thread's
     * @return something that depends on the buffer
     */
    @Benchmark
    public int pair(Sequence sequence) {
        int size = sequence.sizes[sequence.next++ & (sequence.sizes.length - 1)];
        Object buffer = subject.take(size);
        int seen = subject.touch(buffer);
        subject.give(buffer);
        return seen;
    }
}
