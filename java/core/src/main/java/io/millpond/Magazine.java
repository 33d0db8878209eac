package io.millpond;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Ready slots of one thread in one pool, by class: what the fast path touches. It fetches from and returns to the
 * {@link Exchange} in batches.
 *
 * <p>Its owner passes without a lock and without a fence, and still somebody else can empty it while the owner sleeps:
 *
 * <ul>
 * <li>the owner makes {@code sequence} odd, then reads {@code revoked}, then the rest; only the compiler is kept from
 * swapping these;
 * <li>the other one takes the lock, sets {@code revoked}, runs {@code membarrier}, which makes every running thread pass a
 * full barrier, and then reads {@code sequence}. If that is even, the owner is outside, and will see {@code revoked}
 * when it comes, and wait for the lock. (The lock is the monitor of the magazine, because the JVM itself leaves monitors,
 * whatever error strikes.)
 * </ul>
 *
 * <p>The order on the owner's side matters: were the top read before {@code revoked}, it could be from before somebody
 * emptied the magazine and left.
 *
 * <p>Where the kernel has no {@code membarrier} the magazine is revoked from the start and for ever: its owner finds the way
 * in with the lock, {@link #refill} and {@link #flush}, and a visitor needs nothing but the lock.
 *
 * <p>A shared magazine, which never had an owner, is for virtual threads: one of them is inside at a time, the one that made
 * {@code sequence} odd by an atomic exchange. Whoever finds it odd goes elsewhere instead of waiting.
 *
 * <p>Whatever the owner or a sharer meets with inside, {@code sequence} is even again afterwards, by a plain store in
 * {@code finally}, which needs no stack. The fence before it orders it; where an error strikes first, the JVM's ways to raise
 * one do.
 *
 * <p>A magazine that rests is retired: emptied, for ever revoked, and without its owner, who opens another one when it comes
 * back. Live slots go on referring to it, and must not keep a thread, or what belongs to one, from being collected.
 *
 * <p>Threading: {@code pop} and {@code push} are for the owner, {@code popShared} and {@code pushShared} for anybody where
 * there is none; methods that say so want the lock.
 */
final class Magazine {
    /** Bins grow and shrink in this many steps, as far as blocks are small enough for it. */
    private static final int STEPS = 64;
    private static final int BIN_MAX = 64;
    /** Bins that a miss looks at for capacity to take away. */
    private static final int STEAL_VISITS = 16;
    private static final VarHandle SEQUENCE;
    private static final VarHandle REVOKED;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            SEQUENCE = lookup.findVarHandle(Magazine.class, "sequence", long.class);
            REVOKED = lookup.findVarHandle(Magazine.class, "revoked", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Whose it is; null if it is shared or retired. Cleared with the lock and the owner outside. */
    Thread owner;
    /** What its owner said its number is; {@link Owners} finds it by that. */
    final long ownerId;
    /** The one that was opened before it, and is not retired. {@link Magazines} has the first. */
    volatile Magazine next;
    private final boolean shared;
    /** Whether its owner goes in with the lock like everybody else: there is no {@code membarrier}, so it is always revoked. */
    private final boolean locked;
    /** Odd while the owner is inside. Changes with each use. */
    private long sequence;
    private int revoked;
    /** The last one, for {@link SizeClass#HUGE}, is never there. */
    private final Bin[] bins = new Bin[SizeClass.COUNT + 1];
    /** Bytes that all capacities may come to, and do. */
    private final long budget;
    private long granted;
    /** What is left of the bytes that all magazines of the pool may come to. */
    private final AtomicLong room;
    /** The first class whose blocks are too large for the budget. */
    private final int firstPast;
    /** Buffers of these classes that the owner was handed and gave back, ever. */
    private long pastAllocations;
    private long pastReleases;
    /** The bin to look at next for capacity to take away. */
    private int hand;
    /** With the lock: of the blocks on their way to the native library. */
    private final long[] addresses = new long[Math.max(1, SizeClass.batch(0))];

    /* The housekeeper's notes: the sequence seen last, and since when; that of the last decay, and when it was; what is due. */
    long seenSequence = -1;
    long seenSince;
    long decayedSequence;
    long decayedSince;
    Magazines.Visit due = Magazines.Visit.NONE;

    /** Without an owner it is a shared one. */
    Magazine(Thread owner, long budget, AtomicLong room) {
        this.owner = owner;
        this.ownerId = owner == null ? 0 : owner.getId();
        this.shared = owner == null;
        this.locked = !shared && !Membarrier.EXISTS;
        this.revoked = locked ? 1 : 0;
        this.budget = budget;
        this.room = room;
        this.firstPast = firstPast();
        Arrays.fill(bins, Bin.NONE);
    }

    /** A ready slot; null if there is none, or the owner must go the slow way: {@link #refill}. */
    Slot pop(int sizeClass) {
        Bin bin = bins[sizeClass];
        long inside = sequence | 1;
        try {
            enter(inside);
            Slot slot = (int) REVOKED.getAcquire(this) == 0 && bin.top > 0 ? bin.pop() : null;
            VarHandle.releaseFence();
            return slot;
        } finally {
            sequence = inside + 1;
        }
    }

    /** Puts a slot; false if there is no room, or the owner must go the slow way: {@link #flush}. */
    boolean push(Slot slot) {
        Bin bin = bins[slot.sizeClass];
        long inside = sequence | 1;
        try {
            enter(inside);
            boolean fits = (int) REVOKED.getAcquire(this) == 0 && !bin.isFull();
            if (fits) {
                bin.push(slot);
            }
            VarHandle.releaseFence();
            return fits;
        } finally {
            sequence = inside + 1;
        }
    }

    /**
     * The owner's way to a slot when the magazine has none but others have: still without the lock. Null if there is
     * none to be had this way, or it is time to look whether the magazine should be larger.
     */
    Slot popFromShelf(Shelves shelves, Thread thread, int sizeClass) {
        Bin bin = bins[sizeClass];
        long inside = sequence | 1;
        try {
            enter(inside);
            if ((int) REVOKED.getAcquire(this) != 0 || bin.top > 0 || !bin.mayHurry()) {
                return null;
            }
            bin.top = shelves.take(thread, sizeClass, bin.slots, bin.portion());
            Slot slot = bin.top == 0 ? null : bin.pop();
            VarHandle.releaseFence();
            return slot;
        } finally {
            sequence = inside + 1;
        }
    }

    /** The owner's way to put a slot when the magazine is full, in the same manner. */
    boolean pushToShelf(Shelves shelves, Thread thread, Slot slot) {
        Bin bin = bins[slot.sizeClass];
        long inside = sequence | 1;
        try {
            enter(inside);
            if ((int) REVOKED.getAcquire(this) != 0 || !bin.isFull() || !bin.mayHurry()) {
                return false;
            }
            int top = bin.top;
            int left = top - bin.portion();
            // First, so that no slot is ever in two places.
            bin.top = left;
            boolean put = shelves.put(thread, slot.sizeClass, bin.slots, left, top);
            if (put) {
                bin.push(slot);
            } else {
                bin.top = top;
            }
            VarHandle.releaseFence();
            return put;
        } finally {
            sequence = inside + 1;
        }
    }

    /** Whether blocks of this class are too large for this magazine. */
    boolean isPast(int sizeClass) {
        return sizeClass >= firstPast;
    }

    /** The owner's: counts blocks that went past; false if somebody else must, because it may be retired. */
    boolean countPast(int allocations, int releases) {
        long inside = sequence | 1;
        try {
            enter(inside);
            boolean mine = (int) REVOKED.getAcquire(this) == 0;
            if (mine) {
                pastAllocations += allocations;
                pastReleases += releases;
            }
            VarHandle.releaseFence();
            return mine;
        } finally {
            sequence = inside + 1;
        }
    }

    private void enter(long inside) {
        SEQUENCE.setOpaque(this, inside);
        // Costs nothing on x86: for the compiler, which might otherwise read what follows first.
        VarHandle.acquireFence();
    }

    /** As {@link #pop}, for any thread; null also if somebody else is inside. */
    Slot popShared(int sizeClass) {
        // A glance, so that an empty one costs nothing.
        long outside = sequence;
        if (bins[sizeClass].top == 0 || !enterShared(outside)) {
            return null;
        }
        try {
            Bin bin = bins[sizeClass];
            Slot slot = (int) REVOKED.getVolatile(this) == 0 && bin.top > 0 ? bin.pop() : null;
            VarHandle.releaseFence();
            return slot;
        } finally {
            sequence = outside + 2;
        }
    }

    /** As {@link #push}, for any thread; false also if somebody else is inside. */
    boolean pushShared(Slot slot) {
        long outside = sequence;
        if (bins[slot.sizeClass].isFull() || !enterShared(outside)) {
            return false;
        }
        try {
            Bin bin = bins[slot.sizeClass];
            boolean fits = (int) REVOKED.getVolatile(this) == 0 && !bin.isFull();
            if (fits) {
                bin.push(slot);
            }
            VarHandle.releaseFence();
            return fits;
        } finally {
            sequence = outside + 2;
        }
    }

    /** For any thread, to go the slow way in a shared one; false if somebody else is inside. */
    boolean tryEnterShared() {
        if (!enterShared(sequence)) {
            return false;
        }
        if ((int) REVOKED.getVolatile(this) == 0) {
            return true;
        }
        leaveShared();
        return false;
    }

    void leaveShared() {
        VarHandle.releaseFence();
        sequence++;
    }

    private boolean enterShared(long outside) {
        return (outside & 1) == 0 && SEQUENCE.compareAndSet(this, outside, outside + 1);
    }

    /** The owner's slow way to a slot; null if the limit is reached. */
    synchronized Slot refill(Exchange exchange, int sizeClass) {
        StackRoom.ensure();
        return isRetired() ? exchange.takeOne(sizeClass) : takeLocked(exchange, sizeClass);
    }

    /** The owner's slow way to put a slot. */
    synchronized void flush(Exchange exchange, Slot slot) {
        StackRoom.ensure();
        if (isRetired()) {
            exchange.putOne(slot);
        } else {
            putLocked(exchange, slot);
        }
    }

    /** With the lock, or inside if it is shared: a slot; null if the limit is reached. */
    Slot takeLocked(Exchange exchange, int sizeClass) {
        exchange.ensureOpen();
        Bin bin = bin(sizeClass);
        if (bin.top == 0) {
            bin.clearStale();
            grow(exchange, bin);
            if (bin.slots.length == 0 || exchange.isBypassed()) {
                return takePast(exchange, bin);
            }
            bin.top = exchange.take(sizeClass, bin.slots, bin.nextRefill());
        }
        return bin.top == 0 ? null : bin.pop();
    }

    /** With the lock, or inside if it is shared: puts a slot, or gives it away. */
    void putLocked(Exchange exchange, Slot slot) {
        Bin bin = bin(slot.sizeClass);
        if (!exchange.isBypassed() && makeRoom(exchange, bin)) {
            bin.push(slot);
        } else {
            exchange.give(slot.sizeClass, new Slot[] {slot}, 0, 1, addresses);
            bin.releases++;
        }
    }

    /** With the lock, from somebody else or the owner outside: empties it, and frees what it took of the Java heap. */
    void drainLocked(Exchange exchange) {
        for (Bin bin : bins) {
            if (bin != Bin.NONE) {
                giveTop(exchange, bin, bin.top, true);
                grant(-bin.capacityBytes());
                bin.reset();
            }
        }
    }

    /**
     * With the lock, from somebody else or the owner outside: gives away what the owner did not need of late, and forgets
     * slots that are not in it any more.
     */
    void decayLocked(Exchange exchange) {
        for (Bin bin : bins) {
            if (bin == Bin.NONE) {
                continue;
            }
            int surplus = bin.surplus();
            if (surplus > 0) {
                giveTop(exchange, bin, surplus, true);
                resize(bin, bin.slots.length - surplus);
            }
            bin.clearStale();
        }
    }

    /** With the lock: sends the owner the slow way. A {@code membarrier} must follow before {@link #isOutside}. */
    void revoke() {
        REVOKED.setVolatile(this, 1);
        // For those who share one: their exchange is a barrier, and this is its counterpart.
        VarHandle.fullFence();
    }

    void restore() {
        if (!locked) {
            REVOKED.setRelease(this, 0);
        }
    }

    /** Whether {@link #isOutside} is to be believed only after a {@code membarrier}. */
    boolean needsBarrier() {
        return !shared && !locked;
    }

    /** After {@link #revoke} and the barrier: whether the owner, or all who share it, are outside, and stay there. */
    boolean isOutside() {
        return locked || ((long) SEQUENCE.getAcquire(this) & 1) == 0;
    }

    /** After {@link #drainLocked}, revoked for good: lets go of the owner. */
    void retireLocked() {
        owner = null;
    }

    boolean isRetired() {
        return owner == null && !shared;
    }

    /** Whether it holds nothing, nor room for anything. Of use to who knows that the owner rests. */
    boolean isEmpty() {
        return granted == 0;
    }

    boolean isShared() {
        return shared;
    }

    /** Changes with each use. */
    long sequence() {
        return (long) SEQUENCE.getOpaque(this);
    }

    /** Bytes of ready slots. */
    long bytes() {
        long bytes = 0;
        for (Bin bin : bins) {
            bytes += bin.bytes();
        }
        return bytes;
    }

    long releases() {
        long sum = pastReleases;
        for (Bin bin : bins) {
            sum += bin.releases;
        }
        return sum;
    }

    long allocations() {
        long sum = pastAllocations;
        for (Bin bin : bins) {
            sum += bin.allocations;
        }
        return sum;
    }

    private Bin bin(int sizeClass) {
        Bin bin = bins[sizeClass];
        if (bin == Bin.NONE) {
            bin = new Bin(sizeClass);
            bins[sizeClass] = bin;
        }
        return bin;
    }

    /** A block too large for this magazine's budget goes past it. */
    private Slot takePast(Exchange exchange, Bin bin) {
        Slot[] one = new Slot[1];
        if (exchange.take(bin.sizeClass, one, 1) == 0) {
            return null;
        }
        bin.allocations++;
        return one[0];
    }

    private boolean makeRoom(Exchange exchange, Bin bin) {
        if (!bin.isFull() || grow(exchange, bin)) {
            return true;
        }
        giveTop(exchange, bin, (bin.top + 1) / 2, false);
        return !bin.isFull();
    }

    private void giveTop(Exchange exchange, Bin bin, int count, boolean toNative) {
        int batch = SizeClass.batch(bin.sizeClass);
        for (int left = count; left > 0;) {
            int some = Math.min(left, batch);
            int top = bin.top;
            // First, so that no slot is ever in two places.
            bin.top = top - some;
            if (toNative) {
                exchange.giveBlocks(bin.sizeClass, bin.slots, bin.top, top, addresses);
            } else {
                exchange.give(bin.sizeClass, bin.slots, bin.top, top, addresses);
            }
            left -= some;
        }
        bin.clearStale();
    }

    /** Lets a bin hold some more, if need be by taking capacity from others. */
    private boolean grow(Exchange exchange, Bin bin) {
        boolean grown = growOrNot(exchange, bin);
        bin.hurry(!grown);
        return grown;
    }

    private boolean growOrNot(Exchange exchange, Bin bin) {
        int more = Math.min(step(bin.sizeClass), capacityMax(bin.sizeClass) - bin.slots.length);
        if (more <= 0) {
            return false;
        }
        long bytes = (long) more * SizeClass.size(bin.sizeClass);
        if (granted + bytes > budget && bin.isPatient()) {
            return false;
        }
        long wanted = bin.capacityBytes() + bytes;
        for (int visits = 0; visits < STEAL_VISITS && granted + bytes > budget; visits++) {
            shrinkNext(exchange, bin, wanted);
        }
        // Who never goes a slow way again must have somebody to look after what he has.
        if (granted + bytes > budget || room.get() < bytes || !Housekeeper.attend()) {
            return false;
        }
        resize(bin, bin.slots.length + more);
        return true;
    }

    /** Takes all capacity from the next bin if it is not used, and some if it has more than another one wants. */
    private void shrinkNext(Exchange exchange, Bin thief, long wantedBytes) {
        do {
            hand = hand + 1 == SizeClass.COUNT ? 0 : hand + 1;
        } while (bins[hand] == Bin.NONE);
        Bin bin = bins[hand];
        int capacity = bin.slots.length;
        int less = bin.isUnused() ? capacity : bin.capacityBytes() > wantedBytes ? Math.min(capacity, step(hand)) : 0;
        if (bin == thief || less == 0) {
            return;
        }
        int left = capacity - less;
        giveTop(exchange, bin, Math.max(0, bin.top - left), false);
        resize(bin, left);
    }

    private void resize(Bin bin, int capacity) {
        long bytes = (long) (capacity - bin.slots.length) * SizeClass.size(bin.sizeClass);
        bin.resize(capacity);
        grant(bytes);
    }

    /** Of two that look at the room at once both may take it; a bound for all threads may be passed by a step. */
    private void grant(long bytes) {
        granted += bytes;
        room.addAndGet(-bytes);
    }

    /** How many slots a bin grows and shrinks by. */
    private int step(int sizeClass) {
        return (int) Math.max(1, Math.min(SizeClass.batch(sizeClass), budget / STEPS / SizeClass.size(sizeClass)));
    }

    private int firstPast() {
        int sizeClass = 0;
        while (sizeClass < SizeClass.COUNT && capacityMax(sizeClass) > 0) {
            sizeClass++;
        }
        return sizeClass;
    }

    private int capacityMax(int sizeClass) {
        return (int) Math.min(BIN_MAX, budget / SizeClass.size(sizeClass));
    }
}
