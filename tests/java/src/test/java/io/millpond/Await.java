package io.millpond;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for what happens in its own time: garbage collection, the housekeeper, the end of a thread. */
final class Await {
    /** Far beyond what it takes; only a test that fails waits so long. */
    private static final Duration DEADLINE = Duration.ofMinutes(5);

    private Await() {
    }

    static void until(BooleanSupplier condition, Supplier<?> state) {
        long end = System.nanoTime() + DEADLINE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("not within " + DEADLINE + ": " + state.get());
            }
            pause();
        }
    }

    /** The same, running the garbage collector now and then. */
    static void untilCollected(BooleanSupplier condition, Supplier<?> state) {
        until(() -> {
            if (condition.getAsBoolean()) {
                return true;
            }
            System.gc();
            return condition.getAsBoolean();
        }, state);
    }

    static void pause() {
        try {
            Thread.sleep(10);
        } catch (InterruptedException e) {
            throw new AssertionError("nobody interrupts a test", e);
        }
    }
}
