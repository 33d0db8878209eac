package io.millpond;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LL_Result;

/**
 * A virtual thread takes and puts slots of a shared magazine while a visitor empties it. Here it is the exchange of the
 * sequence that is the barrier, and not the visitor's call; what it would mean is the same as with an owner.
 */
@JCStressTest
@Outcome(id = TwoSlots.ONE_PLACE_EACH, expect = Expect.ACCEPTABLE, desc = "Each slot is in one place.")
@Outcome(expect = Expect.FORBIDDEN, desc = "A slot is lost, or in two places.")
@State
public class SharerAndVisitorRace {
    private final TwoSlots state = TwoSlots.shared();

    @Actor
    public void sharer() {
        state.first = state.shareUntilVisited();
    }

    @Actor
    public void visitor() {
        state.visit();
    }

    @Arbiter
    public void find(LL_Result result) {
        state.find(result);
    }
}
