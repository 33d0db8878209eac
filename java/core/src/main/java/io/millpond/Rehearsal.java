package io.millpond;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * One pool that is made, used and closed before all others. What is done for the first time wants stack and Java heap:
 * classes are initialised (one that fails at that is gone for good) and calls linked. The first buffer of an application may
 * be wanted where there is neither, and its first release. So it is done here, with a stack of its own.
 *
 * <p>Threading: may be called from any thread.
 */
final class Rehearsal implements Runnable {
    /** More than the magazine and a shelf of the class have places for. */
    private static final int MANY = 200;
    private static final int HUGE = 3 << 20;
    private static final int LIMIT = 16 << 20;
    /** Two of these are too many. */
    private static final int MOST = 9 << 20;
    private static final int LOOKS_MAX = 1000;
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private static boolean done;

    private Rehearsal() {
    }

    static synchronized void ensure() {
        if (done) {
            return;
        }
        done = true;
        try {
            Thread stage = new Thread(null, new Rehearsal(), "millpond-rehearsal", 0, false);
            stage.start();
            stage.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void run() {
        Duration decay = Duration.ofSeconds(1);
        PoolCore core = new PoolCore(new PoolOptions("rehearsal", LIMIT, decay, 8 << 20, false, 64, false, null));
        for (int round = 0; round < 2; round++) {
            PooledBuffer[] many = new PooledBuffer[MANY];
            for (int i = 0; i < MANY; i++) {
                many[i] = core.allocate(1);
            }
            for (PooledBuffer each : many) {
                each.release();
            }
            core.allocate(HUGE).release();
            core.stripes().put(Thread.currentThread(), core.stripes().take(Thread.currentThread(), 0));
            core.stats();
            core.trim();
        }
        waitInVain(core);
        core.close();
        // Its parked slots are dropped, or their buffers would keep them, and this class loader, for ever. The housekeeper's
        // thread is to have done everything once as well, so it is waited for, as long as that is sensible.
        Housekeeper.add(core);
        for (int looks = 0; Housekeeper.knows(core) && looks < LOOKS_MAX; looks++) {
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    private static void waitInVain(PoolCore core) {
        PooledBuffer held = core.allocate(MOST);
        try {
            core.allocate(MOST, 1);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        held.release();
    }
}
