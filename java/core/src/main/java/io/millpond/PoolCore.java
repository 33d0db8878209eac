package io.millpond;

import io.millpond.internal.Block;
import io.millpond.internal.BlockSource;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What a {@link BufferPool} is in front of. Slots, handles' slots and the housekeeper refer to this and not to the
 * {@code BufferPool}, so that one that was dropped without being closed can be told.
 *
 * <p>Threading: every method may be called from any thread, unless it says otherwise.
 */
final class PoolCore extends BlockSource {
    private static final System.Logger LOGGER = System.getLogger("io.millpond");
    /** A magazine may have this share of the pool's limit, so that a few threads cannot keep a small pool to themselves. */
    private static final int MAGAZINE_SHARE = 32;
    /** All of them may have this share of it. */
    private static final int MAGAZINES_SHARE = 4;
    /** The shelves decay so often in a decay time. */
    private static final int SHELF_ROUNDS = 2;

    private final String name;
    private final long limit;
    private final long decayNanos;
    private final boolean zeroing;

    /** The size classes to serve requests by, by those they would have otherwise; null if these are they. */
    private final int[] classes;
    /** Null but in checked mode. */
    private final CheckedBlocks checked;
    private final Family family;

    private final NativePool pool;
    private final SlotTable table = new SlotTable();
    private final Exchange exchange;
    private final Shelves shelves;
    private final Magazines magazines;
    private final Stripes stripes;

    private final Forgotten forgotten;
    /** Held by who gives free blocks back, and by who adds up: he would take what is on its way for used. */
    private final Object moving = new Object();
    /** Buffers that went past all magazines. */
    private final AtomicLong directAllocations = new AtomicLong();
    private final AtomicLong directReleases = new AtomicLong();
    /** Requests that came to nothing. The native library counts what it is asked, which may be more. */
    private final AtomicLong failures = new AtomicLong();

    private final AtomicBoolean closing = new AtomicBoolean();
    private volatile boolean closed;
    private volatile boolean givenAll;
    /** Whether somebody waits, so that blocks go past magazines and shelves. */
    private volatile boolean bypassed;
    /** Set when the {@code BufferPool} was dropped. */
    private volatile boolean abandoned;
    /** Error number of the system if it was that which refused memory last; 0 if it was a limit. */
    private volatile int systemError;
    /* Of the housekeeper only: when what is due next was done last; what rests() found then; what it looks at. */
    private long tickedAt;
    private long sweptAt;
    private long shelvedAt;
    private boolean resting;
    private final long[] figures = new long[NativePool.FIGURES];

    PoolCore(PoolOptions options) {
        this.name = options.name();
        this.limit = options.maxMemory();
        this.decayNanos = options.decay().toNanos();
        this.zeroing = options.zeroing();
        this.family = new Family(this, options.parent());
        long magazineBudget = Math.min(options.threadCacheBytes(), limit / MAGAZINE_SHARE);
        this.pool = new NativePool(options, family.isRoot() ? null : ancestor().pool);
        this.classes = SizeClass.aligned(options.alignment());
        this.checked = options.checked() ? new CheckedBlocks(this, pool, classes) : null;
        this.exchange = new Exchange(this, pool, table);
        this.shelves = exchange.shelves();
        this.forgotten = checked == null ? new Forgotten(exchange::giveForgotten, null)
                : new Forgotten(checked::giveForgotten, checked::reportForgotten);
        this.magazines = new Magazines(exchange, magazineBudget, limit / MAGAZINES_SHARE);
        this.stripes = new Stripes(exchange, magazines);
        this.tickedAt = System.nanoTime();
        this.sweptAt = tickedAt;
        this.shelvedAt = tickedAt;
        family.join();
    }

    /** The most bytes it may have, by its own limit. */
    long limit() {
        return limit;
    }

    String name() {
        return name;
    }

    /** A buffer; null if the limit is reached. */
    PooledBuffer allocate(int size) {
        Slot slot = take(size);
        return slot == null ? null : handOrRelease(slot, size);
    }

    private PooledBuffer handOrRelease(Slot slot, int size) {
        try {
            return hand(slot, size);
        } catch (OutOfMemoryError e) {
            release(slot);
            throw e;
        }
    }

    /** As {@link #allocate}, waiting for room; null if there was none in time. */
    PooledBuffer allocate(int size, long nanos) throws InterruptedException {
        Slot slot = tryTake(size);
        if (slot == null && nanos > 0) {
            long bytes = checked != null ? checked.request(size) : requestOf(size);
            slot = family.line().await(this, bytes, nanos, place -> takeInLine(size, place));
        }
        if (slot == null) {
            failures.incrementAndGet();
            return null;
        }
        return handOrRelease(slot, size);
    }

    private Slot takeInLine(int size, long place) {
        if (checked != null) {
            return checked.takeInLine(size, place);
        }
        Slot slot = exchange.takeInLine(classOf(size), requestOf(size), place);
        if (slot != null) {
            slot.setHome(magazineOf(Thread.currentThread()));
        }
        return slot;
    }

    /** Bytes of the block for a buffer of that size. */
    private int requestOf(int size) {
        int sizeClass = classOf(size);
        return sizeClass == SizeClass.HUGE ? SizeClass.hugeCapacity(size) : SizeClass.size(sizeClass);
    }

    /** Takes back a slot. The caller has seen to it that this happens once. */
    void release(Slot slot) {
        if (checked != null) {
            try {
                checked.release(slot);
            } finally {
                Housekeeper.attend();
            }
            return;
        }
        try {
            Thread thread = Thread.currentThread();
            Magazine home = slot.home();
            Magazine magazine = home.owner == thread ? home : magazineOf(thread);
            if (magazine.owner != thread || !magazine.push(slot)) {
                releaseSlowly(magazine, thread, slot);
            }
        } catch (OutOfMemoryError e) {
            // Where there was no room on the Java heap the slot has not moved, and its block needs none to go back.
            exchange.giveBare(slot);
            countDirect(0, 1);
            Housekeeper.attend();
        }
    }

    @Override
    public Slot take(int size) {
        Slot slot = tryTake(size);
        if (slot == null) {
            failures.incrementAndGet();
        }
        return slot;
    }

    /** The same, not counted if there is none. */
    private Slot tryTake(int size) {
        int sizeClass = classOf(size);
        if (checked != null) {
            return takeChecked(size);
        }
        Thread thread = Thread.currentThread();
        Magazine magazine = magazineOf(thread);
        Slot slot = magazine.owner == thread ? magazine.pop(sizeClass) : null;
        if (slot == null) {
            slot = allocateSlowly(magazine, thread, sizeClass, size);
        }
        if (slot != null) {
            slot.setHome(magazine);
        }
        return slot;
    }

    @Override
    public void give(Block block) {
        release((Slot) block);
    }

    Magazines magazines() {
        return magazines;
    }

    Stripes stripes() {
        return stripes;
    }

    SlotTable table() {
        return table;
    }

    NativePool nativePool() {
        return pool;
    }

    @Override
    public boolean isZeroing() {
        return zeroing;
    }

    boolean isClosed() {
        return closed;
    }

    void ensureOpen() {
        if (closed) {
            throw closedException();
        }
    }

    IllegalStateException closedException() {
        return new IllegalStateException("pool '" + name + "' is closed: it takes buffers back but gives none out; "
                + "allocate before close(), or from another pool");
    }

    /** Gives all free memory back to the operating system, whoever's cache it is in. Returns the bytes. */
    long trim() {
        reclaim();
        long bytes = pool.trim();
        look();
        return bytes;
    }

    void close() {
        StackRoom.ensureForAll();
        if (!closing.compareAndSet(false, true)) {
            return;
        }
        closed = true;
        forgotten.giveBack();
        giveAll();
        family.line().callAll();
        look();
        PoolStats stats = stats();
        if (stats.liveBuffers() > 0 || stats.usedBytes() > 0) {
            LOGGER.log(Level.WARNING, "pool '" + name + "' was closed with live buffers: " + stats.liveBuffers() + ", "
                    + stats.usedBytes() + " bytes; they stay valid, and their memory is freed as they are released");
        }
        Housekeeper.wake();
    }

    /** Called by the housekeeper: the {@code BufferPool} cannot be reached any more. */
    void abandon() {
        if (!closed) {
            abandoned = true;
            Housekeeper.wake();
        }
    }

    /** Called by the Cleaner: a live buffer cannot be reached any more. */
    void forgot(Watch watch) {
        forgotten.push(watch);
        Housekeeper.attend();
    }

    void countDirect(long allocations, long releases) {
        directAllocations.addAndGet(allocations);
        directReleases.addAndGet(releases);
    }

    /** How often {@link #tick} wants to be called. */
    long tickNanos() {
        return Math.max(Housekeeper.SHORTEST_NANOS, Math.min(decayNanos / 10, Housekeeper.LONGEST_NANOS));
    }

    /** When it was called last, as {@link System#nanoTime()}. */
    long tickedAt() {
        return tickedAt;
    }

    /**
     * Does what time asks for.
     *
     * <p>Threading: the housekeeper's.
     *
     * @return whether there is anything left to do, ever
     */
    boolean tick(long now, long nanosSinceStart) {
        tickedAt = now;
        resting = false;
        if (abandoned && !closed) {
            LOGGER.log(Level.WARNING, "pool '" + name + "' was dropped without close(); it is closed now");
            close();
        }
        forgotten.giveBack();
        if (closed) {
            tickNative(nanosSinceStart);
            boolean finished = isFinished();
            resting = rests();
            return !finished;
        }
        decay(now);
        if (now - sweptAt >= decayNanos) {
            sweptAt = now;
            table.sweep();
        }
        tickNative(nanosSinceStart);
        resting = rests();
        return true;
    }

    private void decay(long now) {
        synchronized (moving) {
            magazines.tidy(now, decayNanos);
            if (now - shelvedAt >= decayNanos / SHELF_ROUNDS) {
                shelvedAt = now;
                shelves.decay();
            }
        }
    }

    /** What {@link #rests} said at the last tick. */
    boolean isResting() {
        return resting;
    }

    /**
     * Whether time has nothing to do here until somebody comes who says so: nothing is free, neither with memory behind it nor
     * with objects. What is live needs no clock.
     *
     * <p>Threading: the housekeeper's.
     */
    boolean rests() {
        if (abandoned && !closed || !forgotten.isEmpty() || !magazines.areEmpty() || !shelves.areEmpty() || !table.isEmpty()) {
            return false;
        }
        pool.stats(figures);
        return (figures[NativePool.CACHED_THREADS] | figures[NativePool.CACHED_DEPOT] | figures[NativePool.CACHED_HUGE]
                | figures[NativePool.DIRTY]) == 0;
    }

    PoolStats stats() {
        if (!resting || !forgotten.isEmpty()) {
            // Who watches a pool sees it at rest in the end.
            Housekeeper.attend();
        }
        synchronized (moving) {
            long forgottenSoFar = forgotten.count();
            long releases = directReleases.get();
            Magazines.Figures cached = magazines.figures();
            long allocations = cached.allocations + directAllocations.get();
            cached.shelfBytes = shelves.bytes();
            cached.shelfHugeBytes = shelves.hugeBytes();
            long[] figures = pool.stats();
            figures[NativePool.FAILURES] = failures.get();
            return new PoolStats(name, closed, figures, cached, allocations, cached.releases + releases, forgottenSoFar);
        }
    }

    @Override
    public PoolExhaustedException exhausted(int size) {
        return exhausted(size, null);
    }

    /** The same after waiting, or not if that is null. */
    PoolExhaustedException exhausted(int size, Duration waited) {
        return new PoolExhaustedException(size, stats(), family.refusing().stats(), waited, waiting(), systemError);
    }

    /** Called with the system's error number when there was no memory, with 0 when a limit was reached. */
    void refusedBy(int error) {
        if (systemError != error) {
            systemError = error;
        }
    }

    int waiting() {
        return family.line().length();
    }

    PoolCore ancestor() {
        return family.ancestor();
    }

    /** Whether blocks go past magazines and shelves: after closing, and while somebody waits. */
    boolean isBypassed() {
        return closed || bypassed;
    }

    /** A block came back to the native library, which may have called one who waits. */
    void cameBack() {
        if (family.line().isWaitedIn()) {
            family.line().callNext();
        }
    }

    Family family() {
        return family;
    }

    /** Whether blocks go past magazines and shelves; what is there is taken out. To end that needs no Java heap. */
    void setBypassed(boolean bypassed) {
        this.bypassed = bypassed;
        if (!bypassed) {
            magazines.use();
            return;
        }
        synchronized (moving) {
            magazines.bypass();
            shelves.drain();
        }
    }

    /** Gives what the Java side has of free blocks to the native library. Returns whether there was any. */
    boolean reclaim() {
        StackRoom.ensure();
        boolean any = forgotten.giveBack();
        synchronized (moving) {
            any |= magazines.drain() > 0;
            return any | shelves.drain();
        }
    }

    /** What the system did not take back is tried again, in closed pools as well. */
    private void tickNative(long nanosSinceStart) {
        boolean reports = pool.tick(nanosSinceStart);
        look();
        if (reports && checked == null) {
            for (NativePool.Report report : pool.reports(new byte[NativePool.REPORTS_BYTES])) {
                LOGGER.log(Level.WARNING, "pool '" + name + "': " + report.sentence());
            }
        }
    }

    /** Reports what checked mode found. */
    private void look() {
        if (checked != null) {
            checked.look();
        }
    }

    private int classOf(int size) {
        if (size < 0) {
            throw negative(size);
        }
        int sizeClass = SizeClass.of(size);
        return classes == null ? sizeClass : classes[sizeClass];
    }

    private Slot takeChecked(int size) {
        try {
            Slot slot = checked.take(size);
            return slot == null && family.reclaim() ? checked.take(size) : slot;
        } finally {
            Housekeeper.attend();
        }
    }

    private PooledBuffer hand(Slot slot, int size) {
        ByteBuffer view = slot.view(size);
        if (zeroing) {
            Zeros.fill(view);
        }
        return new PooledBuffer(slot, view, size);
    }

    /** The magazine for what this thread does: its own, or a shared one if it is virtual. */
    private Magazine magazineOf(Thread thread) {
        Magazine magazine = magazines.find(thread);
        return magazine != null ? magazine : otherMagazine(thread);
    }

    private Magazine otherMagazine(Thread thread) {
        // After closing it comes to release, or to be refused; nobody looks after new magazines any more.
        return closed || VirtualThreads.isVirtual(thread) ? stripes.home(thread) : magazines.open(thread);
    }

    private Slot allocateSlowly(Magazine magazine, Thread thread, int sizeClass, int size) {
        try {
            Slot slot = hurry(magazine, thread, sizeClass, size);
            if (slot == null) {
                slot = fetch(magazine, thread, sizeClass, size);
            }
            if (slot == null && family.allows(requestOf(size)) && family.reclaim()) {
                slot = fetch(magazine, thread, sizeClass, size);
            }
            return slot;
        } finally {
            Housekeeper.attend();
        }
    }

    /** What other threads have ready, without a lock; null if there is nothing. */
    private Slot hurry(Magazine magazine, Thread thread, int sizeClass, int size) {
        if (magazine.owner != thread) {
            return null;
        }
        if (!magazine.isPast(sizeClass)) {
            return magazine.popFromShelf(shelves, thread, sizeClass);
        }
        int bytes = sizeClass == SizeClass.HUGE ? SizeClass.hugeCapacity(size) : SizeClass.size(sizeClass);
        Slot slot = shelves.takeOne(thread, sizeClass, bytes);
        if (slot != null && !magazine.countPast(1, 0)) {
            countDirect(1, 0);
        }
        return slot;
    }

    private Slot fetch(Magazine magazine, Thread thread, int sizeClass, int size) {
        ensureOpen();
        if (sizeClass == SizeClass.HUGE) {
            Slot slot = exchange.takeHuge(size);
            if (slot != null) {
                countDirect(1, 0);
            }
            return slot;
        }
        return magazine.isShared() ? stripes.take(thread, sizeClass) : magazine.refill(exchange, sizeClass);
    }

    private void releaseSlowly(Magazine magazine, Thread thread, Slot slot) {
        try {
            putSlowly(magazine, thread, slot);
        } finally {
            Housekeeper.attend();
        }
    }

    private void putSlowly(Magazine magazine, Thread thread, Slot slot) {
        if (magazine.owner == thread) {
            if (magazine.isPast(slot.sizeClass)) {
                exchange.giveOne(slot);
                if (!magazine.countPast(0, 1)) {
                    countDirect(0, 1);
                }
                return;
            }
            if (magazine.pushToShelf(shelves, thread, slot)) {
                return;
            }
        }
        if (slot.sizeClass == SizeClass.HUGE) {
            exchange.putOne(slot);
        } else if (magazine.isShared()) {
            stripes.put(thread, slot);
        } else {
            magazine.flush(exchange, slot);
        }
    }

    /** At the end: gives everything that can be reached. Again for what was missed, or if an error was in the way. */
    private void giveAll() {
        synchronized (moving) {
            magazines.close();
            shelves.close();
        }
        if (!givenAll) {
            pool.close();
            givenAll = true;
        }
    }

    /** After closing: whether everything came back. */
    private boolean isFinished() {
        // Those whose owner was inside when the pool was closed, and those of threads that came since.
        giveAll();
        pool.stats(figures);
        boolean finished = figures[NativePool.USED] == 0;
        // Nobody looks for slots any more. Each is parked before its block is given away, so after the last block all are here.
        table.clear();
        return finished;
    }

    private static IllegalArgumentException negative(int size) {
        return new IllegalArgumentException("size is " + size + ", must be from 0 to " + Integer.MAX_VALUE + " bytes");
    }

    @Override
    public String toString() {
        return "pool '" + name + "'" + (closed ? " (closed)" : "") + " of at most " + limit + " bytes";
    }
}
