package io.millpond.benchmarks.memory;

import io.millpond.BufferPool;
import io.millpond.benchmarks.Allocator;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.time.Duration;
import java.util.Locale;

/** What {@link HeapGrowth} measures. */
final class HeapGrowthJvm {
    private static final int COUNT = 100_000;
    private static final int SIZE = 1024;
    private static final long MEMORY = 1L << 30;
    /** So long that nothing decays while what is idle is measured. */
    private static final Duration DECAY = Duration.ofSeconds(5);
    private static final int STABLE_BYTES = COUNT / 10;
    private static final int COLLECTIONS_MAX = 20;
    private static final long COLLECTION_MILLIS = 50;

    private static final MemoryMXBean MEMORY_BEAN = ManagementFactory.getMemoryMXBean();

    private final Allocator allocator;
    private final Object[] held = new Object[COUNT];
    private final long start;

    private HeapGrowthJvm(Allocator allocator) throws InterruptedException {
        this.allocator = allocator;
        take(COUNT / 100);
        give(COUNT / 100);
        start = used();
    }

    /**
     * Runs.
     *
     * @param args the name of the allocator
     * @throws InterruptedException never
     */
    public static void main(String[] args) throws InterruptedException {
        Allocator allocator = args[0].equals(Allocator.MILLPOND)
            ? Allocator.over(BufferPool.builder().name("heap growth").maxMemory(MEMORY).decay(DECAY).build())
            : Allocator.named(args[0]);
        HeapGrowthJvm jvm = new HeapGrowthJvm(allocator);
        jvm.take(COUNT);
        jvm.report("live");
        jvm.give(COUNT);
        jvm.report("idle");
        if (args[0].startsWith(Allocator.MILLPOND)) {
            Thread.sleep(2 * DECAY.toMillis());
            jvm.report("after-decay");
        }
        allocator.close();
    }

    private void take(int count) {
        for (int i = 0; i < count; i++) {
            held[i] = allocator.take(SIZE);
        }
    }

    private void give(int count) {
        for (int i = 0; i < count; i++) {
            allocator.give(held[i]);
            held[i] = null;
        }
    }

    private void report(String state) throws InterruptedException {
        double bytes = (double) (used() - start) / COUNT;
        Fork.say("heap", String.format(Locale.ROOT, "%s %.2f", state, bytes));
    }

    /** What is reachable on the Java heap: what collections leave, when another one changes nothing any more. */
    private static long used() throws InterruptedException {
        long last = Long.MAX_VALUE;
        for (int i = 0; i < COLLECTIONS_MAX; i++) {
            System.gc();
            Thread.sleep(COLLECTION_MILLIS);
            long now = MEMORY_BEAN.getHeapMemoryUsage().getUsed();
            if (Math.abs(now - last) < STABLE_BYTES) {
                return now;
            }
            last = now;
        }
        throw new IllegalStateException("the Java heap does not come to rest");
    }
}
