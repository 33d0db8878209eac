package io.millpond;

import java.lang.System.Logger.Level;
import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One daemon thread for the process, which does for all pools what time asks for. It starts with the first pool and ends
 * with the last. If it is late, memory goes back late, and nothing else happens.
 *
 * <p>Threading: the static methods may be called from any thread.
 */
final class Housekeeper implements Runnable {
    /** How often a pool is ticked: ten times a decay time, within these bounds. */
    static final long SHORTEST_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    static final long LONGEST_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Watches root buffers, native pools, and the public face of every pool. */
    static final Cleaner CLEANER = Cleaner.create();

    private static final System.Logger LOGGER = System.getLogger("io.millpond");
    private static final ReentrantLock LOCK = new ReentrantLock();
    private static final Condition CHANGED = LOCK.newCondition();
    /* Guarded by the lock. */
    private static final List<PoolCore> POOLS = new ArrayList<>();
    private static Thread thread;
    private static boolean woken;

    /** The native library takes times since a fixed origin. */
    private final long start = System.nanoTime();

    private Housekeeper() {
    }

    /** Takes care of a pool until it is closed and everything came back. */
    static void add(PoolCore pool) {
        LOCK.lock();
        try {
            if (thread == null) {
                Thread started = new Thread(null, new Housekeeper(), "millpond-housekeeper", 0, false);
                started.setDaemon(true);
                // Whatever class loader happens to be around here should not be kept by this thread.
                started.setContextClassLoader(null);
                started.start();
                thread = started;
            }
            POOLS.add(pool);
            woken = true;
            CHANGED.signal();
        } finally {
            LOCK.unlock();
        }
    }

    /** Has it look at all pools now. */
    static void wake() {
        LOCK.lock();
        try {
            woken = true;
            CHANGED.signal();
        } finally {
            LOCK.unlock();
        }
    }

    /** Whether it takes care of a pool. */
    static boolean knows(PoolCore pool) {
        LOCK.lock();
        try {
            return POOLS.contains(pool);
        } finally {
            LOCK.unlock();
        }
    }

    @Override
    public void run() {
        boolean all = false;
        for (List<PoolCore> pools = poolsOrEnd(); !pools.isEmpty(); pools = poolsOrEnd()) {
            long wait = LONGEST_NANOS;
            for (PoolCore pool : pools) {
                long now = System.nanoTime();
                long due = pool.tickNanos() - (now - pool.tickedAt());
                if (due <= 0 || all) {
                    tick(pool, now);
                    due = pool.tickNanos();
                }
                wait = Math.min(wait, due);
            }
            pools.clear();
            all = await(wait);
        }
    }

    private void tick(PoolCore pool, long now) {
        boolean more;
        try {
            more = pool.tick(now, now - start);
        } catch (Throwable e) {
            // The other pools want their tick, and this one its next.
            LOGGER.log(Level.WARNING, "housekeeping failed for " + pool, e);
            more = true;
        }
        if (!more) {
            LOCK.lock();
            try {
                POOLS.remove(pool);
            } finally {
                LOCK.unlock();
            }
        }
    }

    /** The pools; if there are none, whoever adds the next one starts another thread. */
    private static List<PoolCore> poolsOrEnd() {
        LOCK.lock();
        try {
            if (POOLS.isEmpty()) {
                thread = null;
            }
            return new ArrayList<>(POOLS);
        } finally {
            LOCK.unlock();
        }
    }

    /** Returns whether it was woken. */
    private static boolean await(long nanos) {
        LOCK.lock();
        try {
            long left = nanos;
            while (!woken && left > 0) {
                left = CHANGED.awaitNanos(left);
            }
            boolean was = woken;
            woken = false;
            return was;
        } catch (InterruptedException e) {
            // Nobody has a reason to interrupt this thread; it goes on.
            return false;
        } finally {
            LOCK.unlock();
        }
    }
}
