package io.millpond;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/**
 * One thread writes into a block and puts its slot into a shared magazine; another takes it from there. It must find all that
 * was written before: otherwise what it writes itself could be overtaken by what the first had written, and the plain
 * fields of the slot could be seen half changed. (An x86 processor keeps this order by itself; there it is the compilers that
 * are put to the test.)
 */
@JCStressTest
@Outcome(id = "-1", expect = Expect.ACCEPTABLE, desc = "The slot was not there yet.")
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "What was written is seen.")
@Outcome(expect = Expect.FORBIDDEN, desc = "The slot came before what was written.")
@State
public class HandOverRace {
    private static final int BYTES = 64;
    private static final long BUDGET = 8 << 10;
    private static final BufferPool POOL = BufferPool.builder().name("hand-over").decay(Duration.ofHours(1)).build();
    private static final PoolCore CORE = POOL.core();
    private static final Exchange EXCHANGE = new Exchange(CORE, CORE.nativePool(), CORE.table());

    private final Magazine magazine = new Magazine(null, BUDGET, new AtomicLong(BUDGET));
    private final Slot slot = CORE.take(BYTES);

    {
        slot.root().putInt(0, 0);
        // So that the magazine has room for it.
        magazine.flush(EXCHANGE, slot);
        magazine.popShared(slot.sizeClass);
    }

    @Actor
    public void put() {
        slot.root().putInt(0, 1);
        magazine.pushShared(slot);
    }

    @Actor
    public void take(I_Result result) {
        Slot taken = magazine.popShared(slot.sizeClass);
        result.r1 = taken == null ? -1 : taken.root().getInt(0);
    }

    @Arbiter
    public void giveBack() {
        CORE.give(slot);
    }
}
