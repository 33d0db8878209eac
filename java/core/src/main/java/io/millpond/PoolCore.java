package io.millpond;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/**
 * What a {@link BufferPool} is in front of. Slots, handles' slots and the housekeeper refer to this and not to the
 * {@code BufferPool}, so that one that was dropped without being closed can be told.
 *
 * <p>Threading: every method may be called from any thread, unless it says otherwise.
 */
final class PoolCore {
    private static final System.Logger LOGGER = System.getLogger("io.millpond");
    /** Half of a thread's bytes are the native cache's. */
    private static final int LEVELS = 2;

    private final String name;
    private final long limit;
    private final long decayNanos;
    private final boolean zeroing;
    private final long magazineBudget;

    private final NativePool pool;
    private final SlotTable table = new SlotTable();
    private final Exchange exchange;
    private final Magazines magazines;
    private final Stripes stripes;
    private final ThreadLocal<Magazine> mine = new ThreadLocal<>();

    /** What the Cleaner found, for the housekeeper. */
    private final Queue<Watch> forgotten = new ConcurrentLinkedQueue<>();
    private final LongAdder forgottenCount = new LongAdder();
    /** Buffers that went past all magazines. */
    private final LongAdder directAllocations = new LongAdder();
    private final LongAdder directReleases = new LongAdder();

    private final AtomicBoolean closing = new AtomicBoolean();
    private volatile boolean closed;
    /** Set by the Cleaner when the {@code BufferPool} was dropped. */
    private volatile boolean abandoned;
    /* Of the housekeeper only: when what is due next was done last. */
    private long tickedAt;
    private long sweptAt;

    PoolCore(String name, long limit, Duration decay, long threadCacheBytes, boolean zeroing) {
        this.name = name;
        this.limit = limit;
        this.decayNanos = decay.toNanos();
        this.zeroing = zeroing;
        this.magazineBudget = threadCacheBytes / LEVELS;
        this.pool = new NativePool(name, limit, decayNanos, threadCacheBytes - magazineBudget);
        this.exchange = new Exchange(this, pool, table);
        this.magazines = new Magazines(exchange);
        this.stripes = new Stripes(this, exchange, magazines, magazineBudget);
        this.tickedAt = System.nanoTime();
        this.sweptAt = tickedAt;
    }

    String name() {
        return name;
    }

    /** A buffer; null if the limit is reached. */
    PooledBuffer allocate(int size) {
        if (size < 0) {
            throw negative(size);
        }
        int sizeClass = SizeClass.of(size);
        Thread thread = Thread.currentThread();
        Magazine magazine = magazineOf(thread);
        Slot slot = magazine.owner == thread ? magazine.pop(sizeClass) : null;
        if (slot == null) {
            slot = allocateSlowly(magazine, thread, sizeClass, size);
            if (slot == null) {
                return null;
            }
        }
        slot.prepare(size);
        if (zeroing) {
            Zeros.fill(slot.view());
        }
        return new PooledBuffer(slot, magazine, size);
    }

    /** Takes back the slot of a handle that was made with {@code home}. The caller has seen to it that this happens once. */
    void release(Slot slot, Magazine home) {
        Thread thread = Thread.currentThread();
        Magazine magazine = home.owner == thread ? home : magazineOf(thread);
        if (magazine.owner != thread || !magazine.push(slot)) {
            releaseSlowly(magazine, thread, slot);
        }
    }

    SlotTable table() {
        return table;
    }

    NativePool nativePool() {
        return pool;
    }

    boolean isZeroing() {
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
        giveForgotten();
        magazines.drain();
        return pool.trim();
    }

    void close() {
        if (!closing.compareAndSet(false, true)) {
            return;
        }
        closed = true;
        giveForgotten();
        magazines.close();
        table.clear();
        pool.close();
        PoolStats stats = stats();
        if (stats.liveBuffers() > 0 || stats.usedBytes() > 0) {
            LOGGER.log(Level.WARNING, "pool '" + name + "' was closed with live buffers: " + stats.liveBuffers() + ", "
                    + stats.usedBytes() + " bytes; they stay valid, and their memory is freed as they are released");
        }
        Housekeeper.wake();
    }

    /** Called by the Cleaner: the {@code BufferPool} cannot be reached any more. */
    void abandon() {
        if (!closed) {
            abandoned = true;
            Housekeeper.wake();
        }
    }

    /** Called by the Cleaner: a live buffer cannot be reached any more. */
    void forgot(Watch watch) {
        forgotten.add(watch);
    }

    void countDirect(long allocations, long releases) {
        directAllocations.add(allocations);
        directReleases.add(releases);
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
        if (abandoned && !closed) {
            LOGGER.log(Level.WARNING, "pool '" + name + "' was dropped without close(); it is closed now");
            close();
        }
        giveForgotten();
        if (closed) {
            return !isFinished();
        }
        magazines.tidy(now, decayNanos);
        if (now - sweptAt >= decayNanos) {
            sweptAt = now;
            table.sweep();
        }
        pool.tick(nanosSinceStart);
        return true;
    }

    PoolStats stats() {
        long forgottenSoFar = forgottenCount.sum();
        long releases = directReleases.sum();
        Magazines.Figures cached = magazines.figures();
        long allocations = cached.allocations + directAllocations.sum();
        return new PoolStats(name, closed, pool.stats(), cached, allocations, cached.releases + releases, forgottenSoFar);
    }

    PoolExhaustedException exhausted(int size) {
        return new PoolExhaustedException(size, stats());
    }

    /** The magazine for what this thread does: its own, or a shared one if it is virtual. */
    private Magazine magazineOf(Thread thread) {
        if (VirtualThreads.isVirtual(thread)) {
            return stripes.home(thread);
        }
        Magazine magazine = mine.get();
        return magazine != null ? magazine : enlist(thread);
    }

    private Magazine enlist(Thread thread) {
        if (closed) {
            // It comes to release, or to be refused; nobody looks after new magazines any more.
            return stripes.home(thread);
        }
        Magazine magazine = new Magazine(thread, magazineBudget);
        magazines.add(magazine);
        mine.set(magazine);
        return magazine;
    }

    private Slot allocateSlowly(Magazine magazine, Thread thread, int sizeClass, int size) {
        Slot slot = fetch(magazine, thread, sizeClass, size);
        if (slot == null && (giveForgotten() | magazines.drain() > 0)) {
            slot = fetch(magazine, thread, sizeClass, size);
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
        if (slot.sizeClass == SizeClass.HUGE) {
            exchange.giveOne(slot);
            countDirect(0, 1);
        } else if (magazine.isShared()) {
            stripes.put(thread, slot);
        } else {
            magazine.flush(exchange, slot);
        }
    }

    /** Gives the blocks away that the Cleaner found. Returns whether there were any. */
    private boolean giveForgotten() {
        boolean any = false;
        for (Watch watch = forgotten.poll(); watch != null; watch = forgotten.poll()) {
            forgottenCount.increment();
            exchange.giveForgotten(watch);
            any = true;
        }
        return any;
    }

    /** After closing: whether everything came back. */
    private boolean isFinished() {
        // Those whose owner was inside when the pool was closed, and those of threads that came since.
        magazines.close();
        if (pool.stats()[NativePool.USED] > 0) {
            return false;
        }
        // Somebody may have been parking while the pool was closed.
        table.clear();
        return true;
    }

    private static IllegalArgumentException negative(int size) {
        return new IllegalArgumentException("size is " + size + ", must be from 0 to " + Integer.MAX_VALUE + " bytes");
    }

    @Override
    public String toString() {
        return "pool '" + name + "'" + (closed ? " (closed)" : "") + " of at most " + limit + " bytes";
    }
}
