package io.millpond;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Those who wait for room in a pool, first come first. Only the first in line tries, again and again: a buffer that is
 * released goes to a magazine and tells nobody, which is what keeps releasing cheap.
 *
 * <p>Threading: every method may be called from any thread. Virtual threads leave their carriers while they wait.
 */
final class WaitingLine {
    private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    /** Held by the first in line. Fair, so the others queue for it in the order in which they came. */
    private final ReentrantLock turn = new ReentrantLock(true);

    /** Whether somebody waits. */
    boolean isWaitedIn() {
        return turn.isLocked();
    }

    /** How many wait, about. */
    int length() {
        return turn.getQueueLength() + (turn.isLocked() ? 1 : 0);
    }

    /**
     * Waits for {@code attempt} to give something.
     *
     * @return what it gave; null if the time was over first
     * @throws InterruptedException if the thread is interrupted, before or while it waits
     */
    <T> T await(long nanos, Supplier<T> attempt) throws InterruptedException {
        long start = System.nanoTime();
        if (!turn.tryLock(nanos, TimeUnit.NANOSECONDS)) {
            return null;
        }
        try {
            while (true) {
                T given = attempt.get();
                long left = nanos - (System.nanoTime() - start);
                if (given != null || left <= 0) {
                    return given;
                }
                TimeUnit.NANOSECONDS.sleep(Math.min(left, LOOK_AGAIN_NANOS));
            }
        } finally {
            turn.unlock();
        }
    }
}
