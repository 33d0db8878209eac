package io.millpond.benchmarks;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One thread takes buffers and another gives them back, as an acceptor and a worker or two event loops do. At most 256 are on
 * their way, through a ring whose slots both look at without a lock; {@link #ring} is the ring without buffers. The figure
 * is the time on the clock for one buffer.
 */
public class ExchangeBenchmark extends AllocatorBenchmark {
    private static final int ON_THEIR_WAY = 256;
    private static final int COUNT = 16 * 1024;
    private static final Object NOTHING = new Object();
    private static final Object END = new Object();

    /** Capacity of each buffer in bytes. */
    @Param("1024")
    public int size;

    private final AtomicReferenceArray<Object> ring = new AtomicReferenceArray<>(ON_THEIR_WAY);
    private ExecutorService consumers;
    private Future<?> consumer;
    private int head;

    /** Starts the thread that gives back. */
    @Setup
    public void startConsumer() {
        consumers = new NettyThreads(1, "consumer");
        consumer = consumers.submit(this::consume);
    }

    /**
     * Ends it.
     *
     * @throws InterruptedException if somebody interrupts
     * @throws ExecutionException if it failed
     */
    @TearDown
    public void endConsumer() throws InterruptedException, ExecutionException {
        put(END);
        consumer.get();
        consumers.shutdown();
    }

    /** Buffers. */
    @Benchmark
    @OperationsPerInvocation(COUNT)
    public void exchange() {
        for (int i = 0; i < COUNT; i++) {
            Object buffer = subject.take(size);
            subject.touch(buffer);
            put(buffer);
        }
    }

    /** Nothing but the ring: what the figures of {@link #exchange} cannot be below. */
    @Benchmark
    @OperationsPerInvocation(COUNT)
    public void ring() {
        for (int i = 0; i < COUNT; i++) {
            put(NOTHING);
        }
    }

    private void put(Object buffer) {
        int place = head++ & (ON_THEIR_WAY - 1);
        while (ring.getAcquire(place) != null) {
            Thread.onSpinWait();
        }
        ring.setRelease(place, buffer);
    }

    private void consume() {
        for (int tail = 0;; tail++) {
            int place = tail & (ON_THEIR_WAY - 1);
            Object buffer = ring.getAcquire(place);
            while (buffer == null) {
                Thread.onSpinWait();
                buffer = ring.getAcquire(place);
            }
            ring.setRelease(place, null);
            if (buffer == END) {
                return;
            }
            if (buffer != NOTHING) {
                subject.give(buffer);
            }
        }
    }
}
