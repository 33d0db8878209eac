package io.millpond;

/**
 * The ready slots of one class in a magazine: a stack. Its capacity is the length of its array.
 *
 * <p>A popped slot's reference is left where it was, and a pushed slot is stored only where it is not yet: storing a
 * reference into an old array is the most expensive part of a release. What is left above the top would hide a forgotten
 * buffer from the garbage collector, so the housekeeper clears it now and then.
 *
 * <p>Threading: that of its magazine. The counters are read by anybody at any time.
 */
final class Bin {
    private static final Slot[] NO_SLOTS = {};
    /** Stands for the bins a magazine does not have yet: nothing to pop, no room to push. */
    static final Bin NONE = new Bin(0);
    /** How many slots the first refill asks for; each one doubles it. */
    private static final int FIRST_REFILL = 4;

    /** So many times the quick way is taken before capacities are looked at again. */
    private static final int HURRIES = 16;

    /** Of so many shortages but one are borne. One less than a power of two. */
    private static final int PATIENCE = 3;

    final int sizeClass;
    Slot[] slots = NO_SLOTS;
    /** How many are ready: {@code slots[0 .. top)}. */
    int top;
    /** The fewest that were ready since the last {@link #surplus}: so many nobody wanted. */
    int low;
    /** Buffers handed out, and taken back, ever. */
    long allocations;
    long releases;
    /** What the two came to when another class last looked for capacity to take away. */
    private long seenUse;
    private int refill = FIRST_REFILL;
    private int shortages;
    private int hurries;

    Bin(int sizeClass) {
        this.sizeClass = sizeClass;
    }

    Slot pop() {
        int last = top - 1;
        Slot slot = slots[last];
        top = last;
        if (last < low) {
            low = last;
        }
        allocations++;
        return slot;
    }

    void push(Slot slot) {
        int next = top;
        if (slots[next] != slot) {
            slots[next] = slot;
        }
        top = next + 1;
        releases++;
    }

    boolean isFull() {
        return top == slots.length;
    }

    /**
     * How many slots the next refill should ask for: few at first, so that a thread that wants one gets few; and never more
     * than half of the capacity, so that the next release finds room as surely as the next allocation finds a slot.
     */
    int nextRefill() {
        int count = Math.min(refill, (slots.length + 1) / 2);
        refill = Math.min(2 * refill, SizeClass.batch(sizeClass));
        return count;
    }

    /** Half of the capacity: what goes from and to other threads at once. */
    int portion() {
        return (slots.length + 1) / 2;
    }

    /** Says whether its capacity is as it should be, so that the next shortages need not look at it. */
    void hurry(boolean may) {
        hurries = may ? HURRIES : 0;
    }

    boolean mayHurry() {
        return slots.length > 0 && --hurries >= 0;
    }

    /** Half of what nobody wanted since this was last asked, rounded up. */
    int surplus() {
        int unwanted = Math.min(low, top);
        low = top;
        return (unwanted + 1) / 2;
    }

    /** Forgets what lies above the top. Filled from the bottom, it has no gaps. */
    void clearStale() {
        for (int i = top; i < slots.length && slots[i] != null; i++) {
            slots[i] = null;
        }
    }

    /** Whether nothing went in or out since this was last asked. */
    boolean isUnused() {
        long use = allocations + releases;
        boolean unused = use == seenUse;
        seenUse = use;
        return unused;
    }

    /** Whether a bin that misses should bear it this time: taking from others costs more than a miss. */
    boolean isPatient() {
        return (++shortages & PATIENCE) != 0;
    }

    /** At least {@code top}. */
    void resize(int capacity) {
        Slot[] resized = capacity == 0 ? NO_SLOTS : new Slot[capacity];
        System.arraycopy(slots, 0, resized, 0, top);
        slots = resized;
    }

    /** As it was at first, but for the counters. It is empty. */
    void reset() {
        slots = NO_SLOTS;
        low = 0;
        refill = FIRST_REFILL;
    }

    long capacityBytes() {
        return (long) slots.length * SizeClass.size(sizeClass);
    }

    long bytes() {
        return (long) top * SizeClass.size(sizeClass);
    }
}
