package io.millpond;

import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

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
    private final ReentrantLock lock = new ReentrantLock();
    /** Where the block at an address was released last. */
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
        core.ensureOpen();
        Throwable site = site("allocated", null);
        long address = takeBlock(size);
        if (address == NativePool.CLOSED) {
            throw core.closedException();
        }
        if (address < 0) {
            core.refusedBy(NativePool.systemError(address));
            return null;
        }
        try {
            ByteBuffer[] root = new ByteBuffer[1];
            NativePool.newBuffers(new long[] {address}, 1, size, root);
            CheckedWatch watch = new CheckedWatch(core, address, site);
            Slot slot = new Slot(root[0], watch);
            Housekeeper.CLEANER.register(root[0], watch);
            core.countDirect(1, 0);
            return slot;
        } catch (Throwable e) {
            give(address, site);
            throw e;
        }
    }

    void release(Slot slot) {
        CheckedWatch watch = (CheckedWatch) slot.watch;
        watch.released = site("released", watch.allocated);
        slot.drop();
        give(watch.address, watch.released);
        core.countDirect(0, 1);
    }

    /** Takes back the block of a root that was collected. Whatever it throws, the block is still out then. */
    void giveForgotten(Watch watch) {
        lock.lock();
        try {
            releases.put(watch.address, ((CheckedWatch) watch).allocated);
            pool.giveChecked(watch.address);
        } finally {
            lock.unlock();
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
        lock.lock();
        try {
            report(pool.reports(lines));
        } finally {
            lock.unlock();
        }
    }

    private long takeBlock(int size) {
        lock.lock();
        try {
            long address = pool.takeChecked(request(size));
            // Taking it may have been the end of some quarantine.
            report(pool.reports(lines));
            if (address >= 0) {
                releases.remove(address);
            }
            return address;
        } finally {
            lock.unlock();
        }
    }

    private void give(long address, Throwable site) {
        lock.lock();
        try {
            releases.put(address, site);
            pool.giveChecked(address);
            report(pool.reports(lines));
        } finally {
            lock.unlock();
        }
    }

    /** What to ask for so that the block, with what the native library adds, is of a class that is aligned. */
    private long request(int size) {
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
