package io.millpond;

import java.lang.System.Logger.Level;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

/**
 * The blocks of a checked pool: past all caches, one by one, so that the native library can watch each, with notes of
 * where it was allocated and released.
 *
 * <p>Threading: every method may be called from any thread. One lock is around it all: whose block a report is about must
 * be known before anybody else gets that block.
 */
final class CheckedBlocks {
    private static final System.Logger LOGGER = System.getLogger("io.millpond");
    /** Bytes behind a block that the native library watches, at least. */
    private static final int REDZONE = 16;

    private final PoolCore core;
    private final NativePool pool;
    /** By which class a request is served; null if by its own. */
    private final int[] classes;
    /** Where the block at an address was released last. Its monitor is the lock. */
    private final Map<Long, Throwable> releases = new HashMap<>();
    private final byte[] lines = new byte[NativePool.REPORTS_BYTES];

    CheckedBlocks(PoolCore core, NativePool pool, int[] classes) {
        this.core = core;
        this.pool = pool;
        this.classes = classes;
    }

    /** What is known of a block under watch. */
    static final class CheckedWatch extends Watch {
        private final Throwable allocated;
        private volatile Throwable released;

        private CheckedWatch(PoolCore core, long address, Throwable allocated) {
            super(core, address, SizeClass.HUGE);
            this.allocated = allocated;
        }

        /** Where it was released, if it was; and for a cause, where it was allocated. */
        Throwable released() {
            return released;
        }
    }

    /** A slot whose root has exactly {@code size} bytes; null if the limit is reached. */
    Slot take(int size) {
        return take(size, block -> pool.takeChecked(request(size), block));
    }

    /** The same for one who waits. */
    Slot takeInLine(int size, long place) {
        return take(size, block -> pool.takeInLine(request(size), place, block));
    }

    private Slot take(int size, ToIntFunction<long[]> take) {
        StackRoom.ensure();
        core.ensureOpen();
        Throwable site = site("allocated", null);
        ByteBuffer[] root = new ByteBuffer[1];
        long[] address = new long[1];
        CheckedWatch watch = null;
        try {
            int result = takeBlock(take, address);
            if (result == NativePool.CLOSED) {
                throw core.closedException();
            }
            if (result < 0) {
                core.refusedBy(NativePool.systemError(result));
                return null;
            }
            NativePool.newBuffers(address, 1, size, root);
            watch = new CheckedWatch(core, address[0], site);
            Slot slot = new Slot(root[0], watch);
            Housekeeper.CLEANER.register(root[0], watch);
            core.countDirect(1, 0);
            watch.held = true;
            return slot;
        } catch (Throwable e) {
            if (watch != null) {
                watch.held = false;
            }
            if (address[0] != 0) {
                pool.giveChecked(address[0]);
            }
            throw e;
        }
    }

    void release(Slot slot) {
        StackRoom.ensure();
        CheckedWatch watch = (CheckedWatch) slot.watch;
        watch.released = site("released", watch.allocated);
        synchronized (releases) {
            releases.put(watch.address, watch.released);
            watch.held = false;
            // A root that cannot be reached any more is one that was forgotten, as long as its watch holds the block.
            Reference.reachabilityFence(slot);
            pool.giveChecked(watch.address);
            core.countDirect(0, 1);
            report(pool.reports(lines));
        }
        core.cameBack();
    }

    /** Takes back the block of a root that was collected. Whatever it throws, the block is still out then. */
    void giveForgotten(Watch watch) {
        StackRoom.ensure();
        synchronized (releases) {
            releases.put(watch.address, ((CheckedWatch) watch).allocated);
            watch.held = false;
            pool.giveChecked(watch.address);
        }
    }

    /** Says that it was. */
    void reportForgotten(Watch watch) {
        LOGGER.log(Level.WARNING, "pool '" + core.name() + "': a buffer was dropped without a release",
                ((CheckedWatch) watch).allocated);
        look();
    }

    /** Reports what was found. */
    void look() {
        StackRoom.ensure();
        synchronized (releases) {
            report(pool.reports(lines));
        }
    }

    private int takeBlock(ToIntFunction<long[]> take, long[] address) {
        synchronized (releases) {
            int result = take.applyAsInt(address);
            // Taking it may have been the end of some quarantine.
            report(pool.reports(lines));
            releases.remove(address[0]);
            return result;
        }
    }

    /** What to ask for so that the block, with what the native library adds, is of a class that is aligned. */
    long request(int size) {
        if (classes == null || size > SizeClass.LARGEST - REDZONE) {
            return size;
        }
        int sizeClass = classes[SizeClass.of(size + REDZONE)];
        return sizeClass == SizeClass.HUGE ? SizeClass.LARGEST : SizeClass.size(sizeClass) - REDZONE;
    }

    private void report(List<NativePool.Report> reports) {
        for (NativePool.Report report : reports) {
            LOGGER.log(Level.ERROR, "pool '" + core.name() + "': " + report.sentence(), releases.get(report.address()));
        }
    }

    private Throwable site(String what, Throwable cause) {
        return new Throwable(what + " here, by thread '" + Thread.currentThread().getName() + "'", cause);
    }
}
