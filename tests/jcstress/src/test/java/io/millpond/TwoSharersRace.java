package io.millpond;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LL_Result;

/**
 * Two virtual threads take slots out of a shared magazine and put them back. If both were inside at once, both could leave
 * with the same slot, or one would put its own over the other's.
 */
@JCStressTest
@Outcome(id = TwoSlots.ONE_PLACE_EACH, expect = Expect.ACCEPTABLE, desc = "Each slot is in one place.")
@Outcome(expect = Expect.FORBIDDEN, desc = "A slot is lost, or in two places.")
@State
public class TwoSharersRace {
    private final TwoSlots state = TwoSlots.shared();

    @Actor
    public void first() {
        state.first = state.share();
    }

    @Actor
    public void second() {
        state.second = state.share();
    }

    @Arbiter
    public void find(LL_Result result) {
        state.find(result);
    }
}
