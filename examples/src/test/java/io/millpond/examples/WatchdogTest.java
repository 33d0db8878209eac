package io.millpond.examples;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class WatchdogTest {
    private final Watchdog watchdog = new Watchdog();

    @Test
    void whatStandsStillLooksDeadInTheEnd() {
        for (int look = 1; look < Watchdog.PATIENCE; look++) {
            assertFalse(watchdog.looksDead());
        }
        assertTrue(watchdog.looksDead());
    }

    @Test
    void aLittleProgressNowAndThenIsEnough() {
        for (int look = 1; look < 10 * Watchdog.PATIENCE; look++) {
            if (look % (Watchdog.PATIENCE - 1) == 0) {
                watchdog.pat();
            }
            assertFalse(watchdog.looksDead());
        }
    }
}
