package io.millpond.benchmarks.memory;

import io.millpond.BufferPool;
import io.millpond.benchmarks.Allocator;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Locale;

/** What {@link TrimTime} measures. */
final class TrimTimeJvm {
    private static final long BYTES = 1L << 30;
    private static final int REPETITIONS = 5;
    private static final double NANOS_PER_MILLI = 1e6;
    private static final double MIB = 1 << 20;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private TrimTimeJvm() {}

    /**
     * Runs.
     *
     * @param args {@code trim} or {@code close}
     * @throws InterruptedException never
     */
    public static void main(String[] args) throws InterruptedException {
        boolean close = args[0].equals("close");
        Load.warmUp(Allocator.MILLPOND);
        try (Load load = new Load(BYTES)) {
            for (int i = 0; i < REPETITIONS; i++) {
                BufferPool pool = BufferPool.builder().name("trim time").maxMemory(2 * BYTES).build();
                Allocator allocator = Allocator.over(pool);
                load.take(allocator);
                load.give(allocator);
                measure(pool, close);
                allocator.close();
            }
        }
        Fork.say("done", REPETITIONS);
    }

    private static void measure(BufferPool pool, boolean close) {
        long before = pool.stats().committedBytes();
        long processor = THREADS.getCurrentThreadCpuTime();
        long start = System.nanoTime();
        if (close) {
            pool.close();
        } else {
            pool.trim();
        }
        double millis = (System.nanoTime() - start) / NANOS_PER_MILLI;
        double processorMillis = (THREADS.getCurrentThreadCpuTime() - processor) / NANOS_PER_MILLI;
        long returned = before - pool.stats().committedBytes();
        Fork.say("took", String.format(Locale.ROOT, "%.3f %.3f %.1f", millis, processorMillis, returned / MIB));
    }
}
