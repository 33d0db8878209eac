package io.millpond;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;

/**
 * A pool's place among those that share limits with it: a parent, whose limit counts as well, its parent, and so on up to
 * the root; and whatever pools have this one above them.
 *
 * <p>Threading: every method may be called from any thread.
 */
final class Family {
    private final PoolCore core;
    /** Null if there is none. Its public face, so that it is not taken for abandoned while this one lives. */
    private final BufferPool parent;
    /** Replaced by whoever joins. Walked by number, which needs no Java heap. */
    private volatile List<WeakReference<PoolCore>> children = List.of();
    /** One for all. */
    private final WaitingLine line;
    /** Of a root: held by who takes back what all have free, and how often that began. */
    private final Object reclaiming = new Object();
    private volatile long reclaims;

    /** Parent may be null. */
    Family(PoolCore core, BufferPool parent) {
        this.core = core;
        this.parent = parent;
        if (parent != null) {
            ancestor().ensureOpen();
        }
        this.line = parent == null ? new WaitingLine(this) : ancestor().family().line;
    }

    /** Once the pool is complete: lets the others know it. */
    void join() {
        if (parent != null) {
            ancestor().family().add(core);
            line.admit(core);
        }
    }

    private synchronized void add(PoolCore child) {
        List<WeakReference<PoolCore>> more = new ArrayList<>(children);
        more.removeIf(each -> each.get() == null);
        more.add(new WeakReference<>(child));
        children = more;
    }

    WaitingLine line() {
        return line;
    }

    boolean isRoot() {
        return parent == null;
    }

    /** Null if there is none. */
    PoolCore ancestor() {
        return parent == null ? null : parent.core();
    }

    /** Whether no limit forbids so many bytes for ever. */
    boolean allows(long bytes) {
        return bytes <= core.limit() && (parent == null || ancestor().family().allows(bytes));
    }

    /** Of this pool and its ancestors the one whose limit leaves the least room. */
    PoolCore refusing() {
        PoolCore least = core;
        long room = Long.MAX_VALUE;
        for (PoolCore each = core; each != null; each = each.ancestor()) {
            long[] figures = each.nativePool().stats();
            long left = figures[NativePool.LIMIT_BYTES] - figures[NativePool.COMMITTED];
            if (left < room) {
                room = left;
                least = each;
            }
        }
        return least;
    }

    /** Whether blocks of this pool and of all below it go past magazines and shelves. To end that needs no Java heap. */
    void setBypassed(boolean bypassed) {
        core.setBypassed(bypassed);
        List<WeakReference<PoolCore>> all = children;
        for (int i = 0; i < all.size(); i++) {
            PoolCore child = all.get(i).get();
            if (child != null) {
                child.family().setBypassed(bypassed);
            }
        }
    }

    /**
     * Gives what the Java side has of free blocks to the native library, in every pool whose bytes count where this one's do.
     * Those who come while somebody is at it wait for that, and for one more, of the first of them: it gives back whatever
     * was free when they came.
     *
     * @return whether there was any
     */
    boolean reclaim() {
        if (parent != null) {
            return ancestor().family().reclaim();
        }
        long begun = reclaims;
        synchronized (reclaiming) {
            if (reclaims != begun) {
                return true;
            }
            reclaims = begun + 1;
            return reclaimDescendants();
        }
    }

    private boolean reclaimDescendants() {
        boolean any = core.reclaim();
        for (WeakReference<PoolCore> each : children) {
            PoolCore child = each.get();
            any |= child != null && child.family().reclaimDescendants();
        }
        return any;
    }
}
