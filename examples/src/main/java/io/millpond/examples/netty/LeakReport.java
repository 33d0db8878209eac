package io.millpond.examples.netty;

import io.millpond.BufferPool;
import io.millpond.PoolStats;
import io.netty.buffer.Unpooled;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What was left behind at the end: three counts that are zero where every buffer was released.
 *
 * @param live buffers of the pool that nobody has released and that are still reachable, or not found yet
 * @param forgotten buffers of the pool that nobody has released and that the garbage collector has found
 * @param detected leaks that Netty's own leak detector has reported since {@code watch}
 */
public record LeakReport(long live, long forgotten, long detected) {
    private static final long ENQUEUE_MILLIS = 100;
    private static final AtomicLong DETECTED = new AtomicLong();

    /**
     * Counts from now on what Netty's leak detectors report. For buffers that is so only if no buffer of Netty was made before,
     * because their detector is made but once.
     *
     * @param level how many of the buffers are watched, and how closely
     */
    public static void watch(ResourceLeakDetector.Level level) {
        ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(new Counting());
        ResourceLeakDetector.setLevel(level);
    }

    /**
     * Looks for what is left of a pool whose users have ended. Asks for a garbage collection, and makes Netty's detector look at
     * what that has found.
     *
     * @param pool the pool
     * @return what was found
     * @throws InterruptedException if somebody interrupts this thread
     */
    public static LeakReport of(BufferPool pool) throws InterruptedException {
        System.gc();
        Thread.sleep(ENQUEUE_MILLIS);
        ResourceLeakDetector.Level level = ResourceLeakDetector.getLevel();
        // A detector looks when it is shown the next buffer, and on this level it is shown each.
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
        Unpooled.directBuffer(1).release();
        ResourceLeakDetector.setLevel(level);
        PoolStats stats = pool.stats();
        return new LeakReport(stats.liveBuffers(), stats.forgottenBuffers(), DETECTED.get());
    }

    /**
     * Whether nothing was left behind.
     *
     * @return true if all counts are zero
     */
    public boolean isClean() {
        return live == 0 && forgotten == 0 && detected == 0;
    }

    @Override
    public String toString() {
        return "Leak report: " + live + " live buffers, " + forgotten + " forgotten, " + detected
                + " reported by Netty's leak detector.";
    }

    /** Makes the detectors that Netty would make, each with an ear on it. */
    private static final class Counting extends ResourceLeakDetectorFactory {
        /** Deprecated, and the one that is abstract: what Netty calls leads here. */
        @SuppressWarnings("deprecation")
        @Override
        public <T> ResourceLeakDetector<T> newResourceLeakDetector(Class<T> resource, int samplingInterval, long maxActive) {
            ResourceLeakDetector<T> detector = new ResourceLeakDetector<>(resource, samplingInterval);
            detector.setLeakListener((type, records) -> DETECTED.incrementAndGet());
            return detector;
        }
    }
}
