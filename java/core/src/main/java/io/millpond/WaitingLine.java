package io.millpond;

import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongFunction;

/**
 * The threads of a family of pools that wait for room. Who is served when is the native library's to say, which knows them
 * by their places in its line; here they sleep, so that virtual threads leave their carriers.
 *
 * <p>While somebody waits, all pools of the family bypass magazines and shelves, so that what is released reaches the
 * native library at once, which then says who should try.
 *
 * <p>Threading: every method may be called from any thread.
 */
final class WaitingLine {
    /** What native code releases, or a thread that was just then putting it on a shelf, tells nobody here. */
    private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    /** Of the root. */
    private final Family family;
    /** By place. */
    private final ConcurrentSkipListMap<Long, Waiter> waiters = new ConcurrentSkipListMap<>();
    /** Held by who shuts magazines for the first who waits, and opens them for the last. */
    private final Object gates = new Object();
    private volatile boolean bypassing;

    WaitingLine(Family root) {
        this.family = root;
    }

    /** One who waits for a block of one pool. */
    private static final class Waiter {
        private final long place;
        private final PoolCore core;
        private final Thread thread = Thread.currentThread();
        private volatile boolean called;

        private Waiter(PoolCore core, long place) {
            this.core = core;
            this.place = place;
        }

        private void call() {
            called = true;
            LockSupport.unpark(thread);
        }
    }

    /** Whether somebody waits, or was about to. */
    boolean isWaitedIn() {
        return bypassing;
    }

    /** How many wait. */
    int length() {
        return waiters.size();
    }

    /**
     * Waits for {@code attempt} to give something; it is called with the thread's place in line.
     *
     * @param bytes what is wanted of the native library
     * @return what it gave; null if there was no room in time, or some limit is below {@code bytes}
     * @throws IllegalStateException if the pool is closed, before or meanwhile
     * @throws InterruptedException if the thread is interrupted, before or while it waits
     */
    <T> T await(PoolCore core, long bytes, long nanos, LongFunction<T> attempt) throws InterruptedException {
        long start = System.nanoTime();
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        long place = core.nativePool().joinLine(bytes);
        if (place < 0) {
            // It closed meanwhile, or this is above a limit and would wait for ever.
            core.ensureOpen();
            return null;
        }
        try {
            Waiter waiter = enter(core, place);
            while (true) {
                T given = attempt.apply(place);
                long left = nanos - (System.nanoTime() - start);
                if (given != null || left <= 0) {
                    return given;
                }
                // Whoever comes after may find what this one has not.
                callNext();
                if (sleep(waiter, left)) {
                    core.family().reclaim();
                }
            }
        } finally {
            try {
                core.nativePool().leaveLine(place);
                callNext();
            } finally {
                leave(place);
            }
        }
    }

    /** The calling thread waits with that place. {@link #leave} must follow, also if this throws. */
    private Waiter enter(PoolCore core, long place) {
        Waiter waiter = new Waiter(core, place);
        synchronized (gates) {
            waiters.put(place, waiter);
            if (!bypassing) {
                bypassing = true;
                family.forEach(PoolCore::bypass);
            }
        }
        return waiter;
    }

    private void leave(long place) {
        synchronized (gates) {
            waiters.remove(place);
            if (bypassing && waiters.isEmpty()) {
                bypassing = false;
                family.forEach(PoolCore::unbypass);
            }
        }
    }

    /**
     * Sleeps until called, for {@code nanos} at most; the first in line for about ten milliseconds at most. Returns whether
     * it is to look for what told nobody.
     */
    private boolean sleep(Waiter waiter, long nanos) throws InterruptedException {
        long start = System.nanoTime();
        while (true) {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            if (waiter.called) {
                waiter.called = false;
                return false;
            }
            long waited = System.nanoTime() - start;
            if (waited >= nanos || waited >= LOOK_AGAIN_NANOS && isFirst(waiter)) {
                return true;
            }
            LockSupport.parkNanos(this, Math.min(nanos - waited, LOOK_AGAIN_NANOS));
        }
    }

    /** Wakes the one whom the native library has called, if any. */
    void callNext() {
        try {
            for (Waiter waiter : waiters.values()) {
                if (waiter.core.nativePool().isCalled(waiter.place)) {
                    waiter.call();
                    return;
                }
            }
        } catch (OutOfMemoryError e) {
            // Whoever gave something has given it. The first in line looks by himself before long.
        }
    }

    private boolean isFirst(Waiter waiter) {
        Map.Entry<Long, Waiter> first = waiters.firstEntry();
        return first != null && first.getValue() == waiter;
    }

    /** Wakes everybody: a pool was closed. */
    void callAll() {
        waiters.values().forEach(Waiter::call);
    }
}
