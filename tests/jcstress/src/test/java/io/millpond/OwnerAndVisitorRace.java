package io.millpond;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LL_Result;

/**
 * The owner of a magazine takes and puts slots, without a lock and without a fence, while a visitor empties the magazine.
 * A slot that both got would be handed out twice, to two requests that overwrite each other's data; one that neither got
 * would be memory that never comes back.
 */
@JCStressTest
@Outcome(id = TwoSlots.ONE_PLACE_EACH, expect = Expect.ACCEPTABLE, desc = "Each slot is in one place.")
@Outcome(expect = Expect.FORBIDDEN, desc = "A slot is lost, or in two places.")
@State
public class OwnerAndVisitorRace {
    private final TwoSlots state = TwoSlots.owned();

    @Actor
    public void owner() {
        state.first = state.own();
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
