package io.millpond.benchmarks.memory;

import io.millpond.benchmarks.Allocator;
import io.millpond.benchmarks.NettyThreads;
import io.millpond.benchmarks.Sizes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/**
 * Live buffers of log-normal sizes, the same ones each time, on eight threads of Netty's class. The threads stay until
 * {@link #close()}.
 *
 * <p>Threading: for one thread.
 */
final class Load implements AutoCloseable {
    private static final int THREADS = 8;
    /** Less than half of the mean size, so that there are more than enough. */
    private static final int LEAST_MEAN = 4096;
    private static final int WARM_UP_COUNT = 2000;
    private static final int WARM_UP_COUNT_DIRECT = 100;
    private static final long SETTLE_MILLIS = 500;

    private final List<Share> shares = new ArrayList<>();
    private final long asked;

    /** What one thread has. Never more than its one thread runs, so the same one allocates and releases. */
    private record Share(ExecutorService thread, int[] sizes, Object[] held) {}

    /**
     * Starts the threads, without any buffer.
     *
     * @param bytes how much all of them are to ask for together; it will be a little more
     */
    Load(long bytes) {
        long sum = 0;
        for (int i = 1; i <= THREADS; i++) {
            int[] sizes = sizes(bytes / THREADS, i);
            sum += Arrays.stream(sizes).asLongStream().sum();
            shares.add(new Share(new NettyThreads(1, "load-" + i), sizes, new Object[sizes.length]));
        }
        asked = sum;
    }

    private static int[] sizes(long bytes, long seed) {
        int[] sizes = Sizes.logNormal((int) (bytes / LEAST_MEAN), seed);
        long sum = 0;
        int count = 0;
        while (sum < bytes) {
            sum += sizes[count++];
        }
        return Arrays.copyOf(sizes, count);
    }

    /** How many bytes the buffers have together. */
    long asked() {
        return asked;
    }

    /** Has each thread allocate its buffers and write to every page of them. */
    void take(Allocator allocator) throws InterruptedException {
        each(share -> {
            for (int i = 0; i < share.sizes().length; i++) {
                Object buffer = allocator.take(share.sizes()[i]);
                allocator.fill(buffer);
                share.held()[i] = buffer;
            }
        });
    }

    /** Has each thread release what it allocated. */
    void give(Allocator allocator) throws InterruptedException {
        each(share -> {
            for (int i = 0; i < share.sizes().length; i++) {
                allocator.give(share.held()[i]);
                share.held()[i] = null;
            }
        });
    }

    /**
     * Uses an allocator that is then dropped, one buffer at a time on each thread, so that code is loaded and compiled and
     * malloc has adapted itself to the sizes, as in a server that has run for a while. Ends with collections, so that as
     * little as possible stays.
     */
    static void warmUp(String name) throws InterruptedException {
        // What waits for the collector comes on top of each other.
        int count = name.equals(Allocator.DIRECT) ? WARM_UP_COUNT_DIRECT : WARM_UP_COUNT;
        // On threads of its own, as a thread keeps what it caches of a dropped allocator.
        try (Allocator allocator = Allocator.named(name); Load other = new Load((long) THREADS * WARM_UP_COUNT * LEAST_MEAN)) {
            other.each(share -> useInTurn(allocator, share.sizes(), count));
        }
        System.gc();
        Thread.sleep(SETTLE_MILLIS);
        System.gc();
        Thread.sleep(SETTLE_MILLIS);
    }

    private static void useInTurn(Allocator allocator, int[] sizes, int count) {
        for (int i = 0; i < count; i++) {
            Object buffer = allocator.take(sizes[i % sizes.length]);
            allocator.fill(buffer);
            allocator.give(buffer);
        }
    }

    private void each(Consumer<Share> work) throws InterruptedException {
        List<Future<?>> running = new ArrayList<>();
        for (Share share : shares) {
            running.add(share.thread().submit(() -> work.accept(share)));
        }
        for (Future<?> one : running) {
            try {
                one.get();
            } catch (ExecutionException e) {
                throw new IllegalStateException("a thread with buffers failed", e.getCause());
            }
        }
    }

    @Override
    public void close() {
        shares.forEach(share -> share.thread().shutdown());
    }
}
