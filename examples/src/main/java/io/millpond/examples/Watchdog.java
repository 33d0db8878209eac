package io.millpond.examples;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Ends the process when it stands still. A slow machine is no failure: what counts is not how long the work takes but that there
 * is progress, and while the machine is busy with something else the watchdog does not get to look either.
 */
final class Watchdog {
    /** So many looks in a row that see no progress, a second apart. */
    static final int PATIENCE = 120;

    private static final long LOOK_MILLIS = 1_000;

    private final AtomicLong progress = new AtomicLong();
    private long seen;
    private int looks;

    /** Called by the one who works whenever something has been done. */
    void pat() {
        progress.incrementAndGet();
    }

    /** Returns whether there was no progress in the last {@link #PATIENCE} looks, of which this is one. */
    boolean looksDead() {
        long now = progress.get();
        looks = now == seen ? looks + 1 : 0;
        seen = now;
        return looks >= PATIENCE;
    }

    /** Looks once a second from now on, and ends the JVM with {@code exitStatus} when nothing moves. */
    void start(int exitStatus) {
        Thread thread = new Thread(() -> {
            do {
                try {
                    Thread.sleep(LOOK_MILLIS);
                } catch (InterruptedException e) {
                    return;
                }
            } while (!looksDead());
            System.err.println("the demo is stopped: nothing has moved for " + PATIENCE * LOOK_MILLIS / 1_000 + " s");
            Runtime.getRuntime().halt(exitStatus);
        }, "watchdog");
        thread.setDaemon(true);
        thread.start();
    }
}
