package io.millpond;

import java.lang.System.Logger.Level;
import java.lang.invoke.VarHandle;
import java.lang.ref.Cleaner;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * One daemon thread for the process, which does for all pools what time asks for. It is there while anything may be left to
 * do; whoever gives it something to do looks whether it is there ({@link #attend}), and starts it if it is not. If it is late,
 * memory goes back late, and nothing else happens.
 *
 * <p>No error ends it. Where nothing is to be done it needs no Java heap, because a full heap is when buffers are forgotten.
 *
 * <p>Threading: the static methods may be called from any thread.
 */
final class Housekeeper implements Runnable {
    /** How often a pool is ticked: ten times a decay time, within these bounds. */
    static final long SHORTEST_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    static final long LONGEST_NANOS = TimeUnit.SECONDS.toNanos(1);
    /** So long nothing is to be done before it ends: class loaders should not wait long for it, nor threads be started often. */
    private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(3);

    /**
     * Watches root buffers, and only these: what it runs for them holds the class loader, and so the mapped memory, for as
     * long as one of them can be reached. For other objects there is {@link Ending}.
     */
    static final Cleaner CLEANER = Cleaner.create();

    /** What this thread comes across. Loaded in time: when an application is stopped, its class loader may be closed first. */
    static final List<Class<?>> NEEDED = List.of(Bin.class, CheckedBlocks.CheckedWatch.class, Ending.class, Forgotten.class,
            Magazine.class, Magazines.Figures.class, Magazines.Visit.class, Membarrier.class, NativePool.Report.class,
            PoolStats.class, Shelf.class, Slot.class, SlotTable.class, Watch.class);

    private static final System.Logger LOGGER = System.getLogger("io.millpond");
    private static final AtomicReference<Thread> THREAD = new AtomicReference<>();
    private static final Object GUARD = new Object();
    /** Those that are not finished. Replaced with the guard. */
    private static volatile PoolCore[] pools = {};
    private static volatile boolean woken;
    /** The native library takes times since a fixed origin. */
    private static final long ORIGIN = System.nanoTime();

    static {
        // Linked in time, as it is called where there may be no heap.
        THREAD.compareAndSet(null, null);
    }

    /** The error that was reported last. */
    private Class<?> reported;
    /** When there was something to do last. */
    private long busyAt = System.nanoTime();

    private Housekeeper() {
    }

    /** Takes care of a pool until it is closed and everything came back. */
    static void add(PoolCore pool) {
        synchronized (GUARD) {
            PoolCore[] more = Arrays.copyOf(pools, pools.length + 1);
            more[pools.length] = pool;
            pools = more;
        }
        wake();
    }

    private static void remove(PoolCore pool) {
        synchronized (GUARD) {
            PoolCore[] fewer = new PoolCore[pools.length - 1];
            int kept = 0;
            for (PoolCore each : pools) {
                if (each != pool) {
                    fewer[kept++] = each;
                }
            }
            pools = fewer;
        }
    }

    /** Whether it takes care of a pool. */
    static boolean knows(PoolCore pool) {
        return Arrays.asList(pools).contains(pool);
    }

    /** Has it look at all pools now. */
    static void wake() {
        woken = true;
        attend();
        LockSupport.unpark(THREAD.get());
    }

    /** Sees to it that it is there, if it can be. Called wherever a pool is given something to do, and cheap. */
    static boolean attend() {
        if (!Membarrier.EXISTS) {
            // What was done before is seen by one who is about to end, or its end is seen here.
            VarHandle.fullFence();
        }
        return THREAD.get() != null || start();
    }

    private static boolean start() {
        try {
            // So that nobody relies on one that then does not start.
            synchronized (GUARD) {
                if (THREAD.get() == null) {
                    Thread thread = new Thread(null, new Housekeeper(), "millpond-housekeeper", 0, false);
                    thread.setDaemon(true);
                    // Whatever class loader happens to be around here should not be kept by this thread.
                    thread.setContextClassLoader(null);
                    thread.start();
                    THREAD.set(thread);
                }
            }
            return true;
        } catch (OutOfMemoryError | StackOverflowError e) {
            // No heap, no stack or no thread to be had; the next one who comes tries again.
            return false;
        }
    }

    @Override
    public void run() {
        Thread me = Thread.currentThread();
        try {
            boolean wanted;
            synchronized (GUARD) {
                // Who started this one has put its name on the door by now, unless an error struck there.
                wanted = THREAD.get() == me;
            }
            while (wanted && THREAD.get() == me) {
                try {
                    wanted = goOn(me);
                } catch (Throwable e) {
                    // What is done for the first time may need heap for the JVM's own; so would whatever was done here.
                }
            }
        } finally {
            THREAD.compareAndSet(me, null);
        }
    }

    /** A round, and the pause after it, unless this thread is not wanted any more. */
    private boolean goOn(Thread me) {
        long wait = round();
        if (System.nanoTime() - busyAt >= LINGER_NANOS && end(me)) {
            return false;
        }
        if (!woken) {
            LockSupport.parkNanos(this, wait);
        }
        // Nobody has a reason to interrupt this thread; it goes on.
        Thread.interrupted();
        return true;
    }

    /** Ticks the pools for which it is time. Returns how long that takes to be so again. */
    private long round() {
        boolean all = woken;
        woken = false;
        boolean busy = meet();
        long wait = LONGEST_NANOS;
        for (PoolCore pool : pools) {
            long now = System.nanoTime();
            long due = pool.tickNanos() - (now - pool.tickedAt());
            if (due <= 0 || all) {
                tick(pool, now);
                due = pool.tickNanos();
            }
            busy |= !pool.isResting();
            wait = Math.min(wait, due);
        }
        if (busy) {
            busyAt = System.nanoTime();
        }
        return wait;
    }

    private boolean meet() {
        try {
            return Ending.meet();
        } catch (Throwable e) {
            report("cleaning up after a pool", e);
            return true;
        }
    }

    private void tick(PoolCore pool, long now) {
        try {
            if (!pool.tick(now, now - ORIGIN)) {
                remove(pool);
            }
        } catch (Throwable e) {
            // The other pools want their tick, and this one its next.
            report("housekeeping", e);
        }
    }

    /** Says it once: what is tried again may fail again, many times a second. */
    private void report(String what, Throwable e) {
        if (reported == e.getClass()) {
            return;
        }
        try {
            LOGGER.log(Level.WARNING, what + " failed, and is tried again", e);
            reported = e.getClass();
        } catch (Throwable again) {
            // There may be no heap for saying so.
        }
    }

    /** Whether this thread is not wanted any more. */
    private static boolean end(Thread me) {
        PoolCore[] all = pools;
        // From here on whoever comes starts another; who came before, and saw this one, has done what is looked for below.
        THREAD.set(null);
        boolean idle = false;
        try {
            VarHandle.fullFence();
            Membarrier.run();
            idle = all == pools;
            for (PoolCore pool : all) {
                idle &= pool.rests();
            }
        } catch (Throwable e) {
            // It was not seen, so it may not be.
            idle = false;
        }
        return idle || !THREAD.compareAndSet(null, me);
    }
}
