package io.millpond;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * All magazines of a pool, and the ways into those of other threads.
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
    private final ReentrantLock visiting = new ReentrantLock();
    /** Guards what follows. */
    private final Object guard = new Object();
    private final List<Magazine> all = new ArrayList<>();
    private boolean closed;
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
        /** Whether the magazines of other threads can be emptied. */
        final boolean reachable = Native.membarrier();
    }

    /** What a visitor does in a magazine whose owner is kept out. */
    private enum Visit { DRAIN, DECAY, CLOSE }

    /** A new one. Null instead of its owner stands for the virtual threads. */
    Magazine open(Thread owner) {
        Magazine magazine = new Magazine(owner, budget, room);
        synchronized (guard) {
            if (closed) {
                magazine.revoke();
            }
            all.add(magazine);
        }
        return magazine;
    }

    /** Empties all of them. Returns the bytes that were in them. */
    long drain() {
        long bytes = 0;
        for (Magazine magazine : snapshot()) {
            bytes += magazine.bytes();
        }
        if (bytes > 0) {
            visit(snapshot(), Visit.DRAIN);
        }
        return bytes;
    }

    /** Empties all of them, and sends their owners the slow way for ever. May be called again for those it missed. */
    void close() {
        synchronized (guard) {
            closed = true;
        }
        visit(snapshot(), Visit.CLOSE);
    }

    /**
     * Empties and forgets those of threads that ended, empties those not used for {@code idleNanos}, and takes from the
     * others about as often what they do not need. {@code now} is {@link System#nanoTime()}.
     */
    void tidy(long now, long idleNanos) {
        retireDead();
        List<Magazine> idle = new ArrayList<>();
        List<Magazine> busy = new ArrayList<>();
        for (Magazine magazine : snapshot()) {
            long sequence = magazine.sequence();
            if (sequence != magazine.seenSequence) {
                magazine.seenSequence = sequence;
                magazine.seenSince = now;
            }
            if (now - magazine.seenSince >= idleNanos) {
                if (!magazine.isEmpty()) {
                    idle.add(magazine);
                }
            } else if (sequence != magazine.decayedSequence && now - magazine.decayedSince >= idleNanos) {
                magazine.decayedSequence = sequence;
                magazine.decayedSince = now;
                busy.add(magazine);
            }
        }
        visit(idle, Visit.DRAIN);
        visit(busy, Visit.DECAY);
    }

    Figures figures() {
        Figures figures = new Figures();
        synchronized (guard) {
            figures.count = all.size();
            // Releases first: a buffer that is released meanwhile is then counted as live, rather than as less than none.
            figures.releases = retiredReleases;
            all.forEach(magazine -> figures.releases += magazine.releases());
            figures.allocations = retiredAllocations;
            all.forEach(magazine -> figures.allocations += magazine.allocations());
            all.forEach(magazine -> figures.bytes += magazine.bytes());
        }
        return figures;
    }

    private List<Magazine> snapshot() {
        synchronized (guard) {
            return new ArrayList<>(all);
        }
    }

    private void retireDead() {
        List<Magazine> dead = snapshot();
        dead.removeIf(magazine -> magazine.isShared() || magazine.owner.isAlive());
        for (Magazine magazine : dead) {
            magazine.lock.lock();
            try {
                magazine.drainLocked(exchange);
            } finally {
                magazine.lock.unlock();
            }
        }
        synchronized (guard) {
            for (Magazine magazine : dead) {
                if (all.remove(magazine)) {
                    retiredAllocations += magazine.allocations();
                    retiredReleases += magazine.releases();
                }
            }
        }
    }

    private void visit(List<Magazine> wanted, Visit visit) {
        visiting.lock();
        try {
            for (int i = 0; i < wanted.size(); i += GROUP) {
                visitGroup(wanted.subList(i, Math.min(i + GROUP, wanted.size())), visit);
            }
        } finally {
            visiting.unlock();
        }
    }

    private void visitGroup(List<Magazine> group, Visit visit) {
        for (Magazine magazine : group) {
            magazine.lock.lock();
            magazine.revoke();
        }
        try {
            boolean barrier = Native.membarrier();
            for (Magazine magazine : group) {
                if (isQuiet(magazine, barrier)) {
                    enter(magazine, visit);
                }
            }
        } finally {
            for (Magazine magazine : group) {
                if (visit != Visit.CLOSE) {
                    magazine.restore();
                }
                magazine.lock.unlock();
            }
        }
    }

    private void enter(Magazine magazine, Visit visit) {
        if (visit == Visit.DECAY) {
            magazine.decayLocked(exchange);
        } else {
            magazine.drainLocked(exchange);
        }
    }

    private static boolean isQuiet(Magazine magazine, boolean barrier) {
        boolean shared = magazine.isShared();
        if (!shared && (magazine.owner == Thread.currentThread() || !magazine.owner.isAlive())) {
            return true;
        }
        for (int i = 0; (barrier || shared) && i < SPINS; i++) {
            if (magazine.isOutside()) {
                return true;
            }
            Thread.onSpinWait();
        }
        return false;
    }
}
