package io.millpond;

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
 * <p>Leaving needs no Java heap, so that whatever error strikes who waits, the caches are used again when the last one is gone.
 *
 * <p>Threading: every method may be called from any thread.
 */
final class WaitingLine {
    /** What native code releases, or a thread that was just then putting it on a shelf, tells nobody here. */
    private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    /** Of the root. */
    private final Family family;
    /** Guards the list. Nothing but the native library is called with it in hand. */
    private final Object guard = new Object();
    /** Held by who shuts magazines for the first who waits, and opens them for the last. */
    private final Object gates = new Object();
    /** Those who wait, by place. */
    private Waiter first;
    private Waiter last;
    private volatile boolean bypassing;

    WaitingLine(Family root) {
        this.family = root;
    }

    /** One who waits for a block of one pool. */
    private static final class Waiter {
        private final PoolCore core;
        private final Thread thread = Thread.currentThread();
        private long place;
        private Waiter before;
        private Waiter after;
        private volatile boolean called;

        private Waiter(PoolCore core) {
            this.core = core;
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
        synchronized (guard) {
            int length = 0;
            for (Waiter waiter = first; waiter != null; waiter = waiter.after) {
                length++;
            }
            return length;
        }
    }

    /** A pool that joins the family does as the others do. */
    void admit(PoolCore core) {
        synchronized (gates) {
            if (bypassing) {
                core.setBypassed(true);
            }
        }
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
        StackRoom.ensureForAll();
        Waiter waiter = new Waiter(core);
        long place = core.nativePool().joinLine(bytes);
        if (place < 0) {
            // It closed meanwhile, or this is above a limit and would wait for ever.
            core.ensureOpen();
            return null;
        }
        waiter.place = place;
        try {
            enter(waiter);
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
                leave(waiter);
            }
        }
    }

    /** {@link #leave} must follow, also if this throws. */
    private void enter(Waiter waiter) {
        synchronized (guard) {
            link(waiter);
        }
        synchronized (gates) {
            if (!bypassing) {
                bypassing = true;
                family.setBypassed(true);
            }
        }
    }

    private void leave(Waiter waiter) {
        synchronized (guard) {
            unlink(waiter);
        }
        synchronized (gates) {
            if (bypassing && length() == 0) {
                bypassing = false;
                family.setBypassed(false);
            }
        }
    }

    /** Nearly always at the end: places are given out in order, and taken here almost so. */
    private void link(Waiter waiter) {
        Waiter before = last;
        while (before != null && before.place > waiter.place) {
            before = before.before;
        }
        Waiter after = before == null ? first : before.after;
        waiter.before = before;
        waiter.after = after;
        if (before == null) {
            first = waiter;
        } else {
            before.after = waiter;
        }
        if (after == null) {
            last = waiter;
        } else {
            after.before = waiter;
        }
    }

    /** May be called for one that is not linked. */
    private void unlink(Waiter waiter) {
        if (waiter.before != null) {
            waiter.before.after = waiter.after;
        } else if (first == waiter) {
            first = waiter.after;
        }
        if (waiter.after != null) {
            waiter.after.before = waiter.before;
        } else if (last == waiter) {
            last = waiter.before;
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
            synchronized (guard) {
                Waiter waiter = first;
                while (waiter != null && !waiter.core.nativePool().isCalled(waiter.place)) {
                    waiter = waiter.after;
                }
                if (waiter != null) {
                    waiter.call();
                }
            }
        } catch (OutOfMemoryError e) {
            // A virtual thread may want heap to be woken. Whoever gave something has given it, and the first in line looks by
            // himself before long.
        }
    }

    private boolean isFirst(Waiter waiter) {
        synchronized (guard) {
            return first == waiter;
        }
    }

    /** Wakes everybody: a pool was closed. */
    void callAll() {
        synchronized (guard) {
            for (Waiter waiter = first; waiter != null; waiter = waiter.after) {
                waiter.call();
            }
        }
    }
}
