package io.millpond;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * All magazines of a pool, and the ways into those of other threads. They are a list that nobody copies, so that looking
 * after them needs no Java heap.
 *
 * <p>Threading: every method may be called from any thread that holds no magazine's lock.
 */
final class Magazines {
    /** Magazines that are locked at once: one barrier serves them all, and their owners may have to wait meanwhile. */
    private static final int GROUP = 32;
    /** An owner is inside for some nanoseconds, unless it was descheduled there. */
    private static final int SPINS = 100;

    private final Exchange exchange;
    /** Bytes that one magazine may come to. */
    private final long budget;
    /** What is left of the bytes that all of them may come to. */
    private final AtomicLong room;
    /** One visitor at a time, so that nobody waits for one lock with another in hand. */
    private final Object visiting = new Object();
    /** Of the visitor: those it has locked. */
    private final Magazine[] group = new Magazine[GROUP];
    /** Guards changes of the list and what follows. */
    private final Object guard = new Object();
    /** The one opened last. The list may be walked without the guard: what leaves it still leads on. */
    private volatile Magazine first;
    private final Owners owners = new Owners();
    private volatile boolean closed;
    /** Whether somebody waits for what the owners would keep. */
    private volatile boolean bypassed;
    /** Counts of magazines that are gone. */
    private long retiredAllocations;
    private long retiredReleases;

    Magazines(Exchange exchange, long budget, long budgetOfAll) {
        this.exchange = exchange;
        this.budget = budget;
        this.room = new AtomicLong(budgetOfAll);
    }

    /** What the magazines hold and did, each figure of its own moment. */
    static final class Figures {
        long bytes;
        long allocations;
        long releases;
        int count;
        /** Filled in by who knows the shelves. */
        long shelfBytes;
        long shelfHugeBytes;
    }

    /** What a visitor does in a magazine whose owner is kept out. Only those with an owner are retired. */
    enum Visit { NONE, OPEN, DECAY, DRAIN, RETIRE }

    /** That of the thread that calls, if it is seen at once; otherwise null. */
    Magazine find(Thread thread) {
        return owners.find(thread);
    }

    /** That of the thread that calls, a new one if it has none. */
    Magazine open(Thread owner) {
        StackRoom.ensure();
        synchronized (guard) {
            Magazine magazine = first;
            // Not by its number: a class of threads may think of another one each time.
            while (magazine != null && magazine.owner != owner) {
                magazine = magazine.next;
            }
            if (magazine == null) {
                owners.reserve();
                magazine = link(new Magazine(owner, budget, room));
                owners.add(magazine);
            }
            return magazine;
        }
    }

    /** A new one for virtual threads. */
    Magazine openShared() {
        synchronized (guard) {
            return link(new Magazine(null, budget, room));
        }
    }

    private Magazine link(Magazine magazine) {
        if (closed || bypassed) {
            magazine.revoke();
        }
        magazine.next = first;
        first = magazine;
        return magazine;
    }

    /** Empties all of them. Returns the bytes that were in them. */
    long drain() {
        long bytes = 0;
        for (Magazine magazine = first; magazine != null; magazine = magazine.next) {
            bytes += magazine.bytes();
        }
        if (bytes > 0) {
            visit(Visit.DRAIN);
        }
        return bytes;
    }

    /** Empties all of them, and sends their owners the slow way until {@link #use}. */
    void bypass() {
        synchronized (guard) {
            bypassed = true;
        }
        visit(Visit.DRAIN);
    }

    /** Lets the owners in again. */
    void use() {
        synchronized (guard) {
            bypassed = false;
        }
        // A visitor who does nothing: on the way out it opens.
        visit(Visit.OPEN);
    }

    /** Empties all of them, and sends their owners the slow way for ever. May be called again for those it missed. */
    void close() {
        synchronized (guard) {
            closed = true;
        }
        visit(Visit.RETIRE);
    }

    /**
     * Retires those of threads that ended and those not used for {@code idleNanos}, and takes from the others about as often
     * what they do not need. {@code now} is {@link System#nanoTime()}.
     */
    void tidy(long now, long idleNanos) {
        synchronized (visiting) {
            boolean any = false;
            for (Magazine magazine = first; magazine != null; magazine = magazine.next) {
                magazine.due = due(magazine, now, idleNanos);
                any |= magazine.due != Visit.NONE;
            }
            if (any) {
                visit(null);
            }
        }
    }

    private static Visit due(Magazine magazine, long now, long idleNanos) {
        long sequence = magazine.sequence();
        if (sequence != magazine.seenSequence) {
            magazine.seenSequence = sequence;
            magazine.seenSince = now;
        }
        if (!magazine.isShared() && !magazine.owner.isAlive()) {
            return Visit.RETIRE;
        }
        if (now - magazine.seenSince >= idleNanos) {
            return !magazine.isShared() ? Visit.RETIRE : magazine.isEmpty() ? Visit.NONE : Visit.DRAIN;
        }
        if (sequence != magazine.decayedSequence && now - magazine.decayedSince >= idleNanos) {
            magazine.decayedSequence = sequence;
            magazine.decayedSince = now;
            return Visit.DECAY;
        }
        return Visit.NONE;
    }

    /** Whether there is nothing in them, nor anybody who could put something there without going the slow way. */
    boolean areEmpty() {
        for (Magazine magazine = first; magazine != null; magazine = magazine.next) {
            if (!magazine.isShared() || !magazine.isEmpty()) {
                return false;
            }
        }
        return true;
    }

    Figures figures() {
        Figures figures = new Figures();
        synchronized (guard) {
            // Releases first: a buffer that is released meanwhile is then counted as live, rather than as less than none.
            figures.releases = retiredReleases;
            for (Magazine magazine = first; magazine != null; magazine = magazine.next) {
                figures.releases += magazine.releases();
                figures.count++;
            }
            figures.allocations = retiredAllocations;
            for (Magazine magazine = first; magazine != null; magazine = magazine.next) {
                figures.allocations += magazine.allocations();
                figures.bytes += magazine.bytes();
            }
        }
        return figures;
    }

    /** Pays a visit to each; null for the one that it is due. */
    private void visit(Visit visit) {
        StackRoom.ensure();
        synchronized (visiting) {
            int count = 0;
            for (Magazine magazine = first; magazine != null; magazine = magazine.next) {
                if (visit != null) {
                    magazine.due = visit;
                }
                if (magazine.due != Visit.NONE) {
                    group[count++] = magazine;
                }
                if (count == GROUP || magazine.next == null) {
                    visitGroup(0, count);
                    count = 0;
                }
            }
            Arrays.fill(group, null);
        }
    }

    /** Locks those from {@code next} on, one inside the other, and then enters all whose owners are outside. */
    private void visitGroup(int next, int count) {
        if (next == count) {
            boolean barrier = Membarrier.run();
            for (int i = 0; i < count; i++) {
                if (isQuiet(group[i], barrier)) {
                    enter(group[i]);
                }
            }
            return;
        }
        Magazine magazine = group[next];
        synchronized (magazine) {
            try {
                magazine.revoke();
                visitGroup(next + 1, count);
            } finally {
                if (!closed && !bypassed && !magazine.isRetired()) {
                    magazine.restore();
                }
            }
        }
    }

    private void enter(Magazine magazine) {
        if (magazine.due == Visit.OPEN) {
            return;
        }
        if (magazine.due == Visit.DECAY) {
            magazine.decayLocked(exchange);
            return;
        }
        magazine.drainLocked(exchange);
        if (magazine.due == Visit.RETIRE && !magazine.isShared()) {
            remove(magazine);
            magazine.retireLocked();
        }
    }

    private void remove(Magazine retired) {
        synchronized (guard) {
            owners.remove(retired);
            if (first == retired) {
                first = retired.next;
            } else {
                Magazine before = first;
                while (before.next != retired) {
                    before = before.next;
                }
                before.next = retired.next;
            }
            retiredAllocations += retired.allocations();
            retiredReleases += retired.releases();
        }
    }

    private static boolean isQuiet(Magazine magazine, boolean barrier) {
        if (!magazine.isShared() && (magazine.owner == Thread.currentThread() || !magazine.owner.isAlive())) {
            return true;
        }
        boolean tells = barrier || !magazine.needsBarrier();
        for (int i = 0; tells && i < SPINS; i++) {
            if (magazine.isOutside()) {
                return true;
            }
            Thread.onSpinWait();
        }
        return false;
    }
}
