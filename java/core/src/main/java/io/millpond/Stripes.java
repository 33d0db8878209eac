package io.millpond;

/**
 * Magazines that virtual threads share: a handful for all of them, because there may be millions, and never those of the
 * carriers, because a virtual thread may change carriers at any call.
 *
 * <p>Threading: every method may be called from any thread. Nobody waits for a magazine: if somebody is inside, the next one
 * is tried; if that is so in all, the native library is asked.
 */
final class Stripes {
    private static final int MAX = 16;
    /** More than can run at once, so that two seldom meet in one. */
    private static final int PER_PROCESSOR = 4;

    private final Exchange exchange;
    private final Magazines magazines;
    /** Made when the first virtual thread comes. A power of two of them. */
    private volatile Magazine[] stripes;

    Stripes(Exchange exchange, Magazines magazines) {
        this.exchange = exchange;
        this.magazines = magazines;
    }

    /** The one that a thread tries first; also what the handles of virtual threads have for a home. */
    Magazine home(Thread thread) {
        Magazine[] all = stripes();
        return all[index(thread) & all.length - 1];
    }

    /** A slot; null if the limit is reached. */
    Slot take(Thread thread, int sizeClass) {
        Magazine[] all = stripes();
        int start = index(thread);
        for (int i = 0; i < all.length; i++) {
            Slot slot = all[start + i & all.length - 1].popShared(sizeClass);
            if (slot != null) {
                return slot;
            }
        }
        return takeSlowly(thread, sizeClass);
    }

    private Slot takeSlowly(Thread thread, int sizeClass) {
        StackRoom.ensure();
        Magazine magazine = enterOne(thread);
        if (magazine != null) {
            try {
                return magazine.takeLocked(exchange, sizeClass);
            } finally {
                magazine.leaveShared();
            }
        }
        return exchange.takeOne(sizeClass);
    }

    void put(Thread thread, Slot slot) {
        Magazine[] all = stripes();
        int start = index(thread);
        for (int i = 0; i < all.length; i++) {
            if (all[start + i & all.length - 1].pushShared(slot)) {
                return;
            }
        }
        putSlowly(thread, slot);
    }

    private void putSlowly(Thread thread, Slot slot) {
        StackRoom.ensure();
        Magazine magazine = enterOne(thread);
        if (magazine != null) {
            try {
                magazine.putLocked(exchange, slot);
                return;
            } finally {
                magazine.leaveShared();
            }
        }
        exchange.putOne(slot);
    }

    /** The first magazine from the thread's own on that is free, entered; null if all are taken. */
    private Magazine enterOne(Thread thread) {
        Magazine[] all = stripes();
        int start = index(thread);
        for (int i = 0; i < all.length; i++) {
            Magazine magazine = all[start + i & all.length - 1];
            if (magazine.tryEnterShared()) {
                return magazine;
            }
        }
        return null;
    }

    private Magazine[] stripes() {
        Magazine[] made = stripes;
        return made != null ? made : make();
    }

    private synchronized Magazine[] make() {
        if (stripes == null) {
            int count = Math.min(MAX, PER_PROCESSOR * Runtime.getRuntime().availableProcessors());
            Magazine[] made = new Magazine[Integer.highestOneBit(2 * count - 1)];
            for (int i = 0; i < made.length; i++) {
                made[i] = magazines.openShared();
            }
            stripes = made;
        }
        return stripes;
    }

    private static int index(Thread thread) {
        return (int) thread.getId();
    }
}
