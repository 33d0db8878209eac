package io.millpond;

import java.time.Duration;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJJ_Result;

/**
 * One thread releases a buffer, and takes and releases others until it is refused, while the pool is closed. After the next
 * visit of the housekeeper all has to be back: what stays in a magazine that nobody looks after any more would be lost until
 * the end of the process.
 */
@JCStressTest
@Outcome(id = "0, 0, 0", expect = Expect.ACCEPTABLE, desc = "All came back.")
@Outcome(expect = Expect.FORBIDDEN, desc = "Buffers that count as live, bytes kept, or a block given back twice.")
@State
public class ReleaseAndCloseRace {
    private static final PoolOptions OPTIONS = new PoolOptions("closed", 1 << 20, Duration.ofHours(1), 64 << 10, false, 64,
            false, null);

    /** Kept, because it says of each pool that it was closed with live buffers. */
    private static final Logger LOGGER = Logger.getLogger("io.millpond");

    static {
        NativeLibrary.ensureAvailability();
        LOGGER.setLevel(Level.OFF);
    }

    /** More than it gets before the pool is closed; but it ends, also if it is never refused. */
    private static final int MANY = 100_000;

    private final PoolCore core = new PoolCore(OPTIONS);
    private final PooledBuffer buffer = core.allocate(64);

    @Actor
    public void user() {
        buffer.release();
        try {
            for (int i = 0; i < MANY; i++) {
                core.allocate(64).release();
            }
        } catch (IllegalStateException e) {
            // The pool is closed.
        }
    }

    @Actor
    public void closer() {
        core.close();
    }

    @Arbiter
    public void count(JJJ_Result result) {
        core.tick(System.nanoTime(), 0);
        PoolStats stats = core.stats();
        result.r1 = stats.liveBuffers();
        result.r2 = stats.usedBytes() + stats.cachedBytes() + stats.committedBytes();
        result.r3 = stats.badFrees();
    }
}
