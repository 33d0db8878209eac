package io.millpond;

import java.time.Duration;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * Two threads release one handle. If both succeeded, its block would be in two magazines, and be handed out twice; if
 * neither did, it would be lost.
 */
@JCStressTest
@Outcome(id = "true, false", expect = Expect.ACCEPTABLE, desc = "The first thread releases it, the second is refused.")
@Outcome(id = "false, true", expect = Expect.ACCEPTABLE, desc = "The second thread releases it, the first is refused.")
@Outcome(expect = Expect.FORBIDDEN, desc = "Released twice, or not at all.")
@State
public class TwoReleasesRace {
    private static final BufferPool POOL = BufferPool.builder().name("two releases").decay(Duration.ofHours(1)).build();

    private final PooledBuffer buffer = POOL.allocate(64);

    @Actor
    public void first(ZZ_Result result) {
        result.r1 = release();
    }

    @Actor
    public void second(ZZ_Result result) {
        result.r2 = release();
    }

    private boolean release() {
        try {
            buffer.release();
            return true;
        } catch (IllegalStateException e) {
            return false;
        }
    }
}
