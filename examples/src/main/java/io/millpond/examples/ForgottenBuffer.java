package io.millpond.examples;

import java.io.Serializable;
import java.time.Duration;

/**
 * A buffer that was taken, dropped and never released, and what became of it.
 *
 * @param size bytes of the buffer
 * @param returned whether the pool had it back before the deadline
 * @param millis time until then
 * @param collections garbage collections asked for until then
 */
record ForgottenBuffer(int size, boolean returned, long millis, int collections) implements Serializable {
    private static final int SIZE = 1_000_000;
    private static final long LOOK_MILLIS = 20;

    /** Forgets a buffer of {@code source} and asks for garbage collections until it is back, or the deadline has passed. */
    static ForgottenBuffer demonstrate(BufferSource source, Duration deadline) throws InterruptedException {
        forget(source);
        long start = System.nanoTime();
        int collections = 0;
        while (source.usage().liveBuffers() > 0 && System.nanoTime() - start < deadline.toNanos()) {
            System.gc();
            collections++;
            Thread.sleep(LOOK_MILLIS);
        }
        long millis = (System.nanoTime() - start) / 1_000_000;
        return new ForgottenBuffer(SIZE, source.usage().liveBuffers() == 0, millis, collections);
    }

    /** A method of its own, so that no frame keeps the buffer reachable afterwards. */
    private static void forget(BufferSource source) {
        source.take(SIZE).buffer().putLong(0, System.nanoTime());
        if (source.usage().liveBuffers() != 1) {
            throw new IllegalStateException("one live buffer expected, but there are " + source.usage().liveBuffers());
        }
    }
}
