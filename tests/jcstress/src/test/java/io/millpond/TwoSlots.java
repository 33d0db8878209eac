package io.millpond;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.StringJoiner;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.openjdk.jcstress.infra.results.LL_Result;

/**
 * A magazine with two slots, two threads that may take them, and a visitor who may empty it. When all is over each slot must
 * be in exactly one place.
 *
 * <p>The slots are made here, over blocks of a real pool, and the table into which the visitor parks them is asked by nobody
 * else: so it tells what the visitor found.
 */
final class TwoSlots {
    /** What {@link #find} says if all is well. */
    static final String ONE_PLACE_EACH = "(first|second|magazine|visitor), (first|second|magazine|visitor)";

    private static final int SIZE_CLASS = 0;
    /** How often one of two sharers takes or puts a slot. */
    private static final int STEPS = 100;
    /** About as long as a visit. */
    private static final int PAUSES = 256;
    /** Small, because there are many of these magazines. */
    private static final long BUDGET = 8 << 10;
    private static final BufferPool POOL = BufferPool.builder().name("two slots").decay(Duration.ofHours(1)).build();
    private static final PoolCore CORE = POOL.core();
    private static final SlotTable TABLE = new SlotTable();
    private static final Exchange EXCHANGE = new Exchange(CORE, CORE.nativePool(), TABLE);
    /** Nobody looks into these buffers. */
    private static final ByteBuffer ROOT = ByteBuffer.allocate(0);
    /** A magazine does not ask who calls it; a visitor asks whether its owner is alive, and somebody else. */
    private static final Thread OWNER = new Thread(TwoSlots::sleep, "owner");

    static {
        OWNER.setDaemon(true);
        OWNER.start();
    }

    /** What the two threads have in hand at the end, or null. */
    Slot first;
    Slot second;
    private volatile boolean visited;
    /**
     * How long a slot is held: half of the time not at all, because a visitor must be kept from coming in the middle of a
     * step, and half of the time for about as long as a visit takes, because a step must not come in the middle of a visit.
     */
    private final int pauses = Math.max(0, ThreadLocalRandom.current().nextInt(-PAUSES, PAUSES));
    private final Magazines magazines = new Magazines(EXCHANGE, BUDGET, BUDGET);
    private final Magazine magazine;
    private final Slot[] slots = new Slot[2];

    private TwoSlots(Thread owner) {
        magazine = magazines.open(owner);
        long[] address = new long[1];
        for (int i = 0; i < 2; i++) {
            if (CORE.nativePool().take(SIZE_CLASS, address, 1) != 1) {
                throw new AssertionError("the pool has no block");
            }
            slots[i] = new Slot(ROOT, new Watch(CORE, address[0], SIZE_CLASS));
            magazine.flush(EXCHANGE, slots[i]);
        }
    }

    static TwoSlots owned() {
        return new TwoSlots(OWNER);
    }

    static TwoSlots shared() {
        return new TwoSlots(null);
    }

    /** Takes a slot and puts it back as the owner, until the visitor was here. Returns what is in hand then. */
    Slot own() {
        Slot held = null;
        while (!visited) {
            held = held == null ? magazine.pop(SIZE_CLASS) : magazine.push(held) ? null : held;
            hold(held);
        }
        return held;
    }

    /** The same as one of those who share the magazine. */
    Slot shareUntilVisited() {
        Slot held = null;
        while (!visited) {
            held = share(held);
            hold(held);
        }
        return held;
    }

    /** The same for some time. */
    Slot share() {
        Slot held = null;
        for (int i = 0; i < STEPS; i++) {
            held = share(held);
        }
        return held;
    }

    private Slot share(Slot held) {
        return held == null ? magazine.popShared(SIZE_CLASS) : magazine.pushShared(held) ? null : held;
    }

    /** Empties the magazine, unless somebody is inside. */
    void visit() {
        try {
            magazines.drain();
        } finally {
            visited = true;
        }
    }

    /** Afterwards, by one thread: says of each slot where it is. */
    void find(LL_Result result) {
        Slot[] left = {magazine.popShared(SIZE_CLASS), magazine.popShared(SIZE_CLASS), magazine.popShared(SIZE_CLASS)};
        result.r1 = find(slots[0], left);
        result.r2 = find(slots[1], left);
    }

    private String find(Slot slot, Slot[] left) {
        StringJoiner places = new StringJoiner(" and ").setEmptyValue("nowhere");
        if (first == slot) {
            places.add("first");
        }
        if (second == slot) {
            places.add("second");
        }
        for (Slot each : left) {
            if (each == slot) {
                places.add("magazine");
            }
        }
        long[] address = {slot.address()};
        Slot[] parked = new Slot[1];
        TABLE.take(address, 1, SIZE_CLASS, parked);
        if (parked[0] == slot) {
            places.add("visitor");
        } else {
            // The visitor gave its block back, the others did not.
            CORE.nativePool().give(SIZE_CLASS, address, 1);
        }
        return places.toString();
    }

    private void hold(Slot held) {
        for (int i = held == null ? 0 : pauses; i > 0; i--) {
            Thread.onSpinWait();
        }
    }

    private static void sleep() {
        while (true) {
            LockSupport.park();
        }
    }
}
