package io.millpond;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Ready slots that one thread gave and another will take, a stack. Who finds it taken does not wait but goes elsewhere.
 *
 * <p>A word is the lock, because all that happens under it is that a few references are copied. It names the thread that is
 * inside, and is set back in {@code finally} by a plain store if it does: that needs no stack, and is right wherever an error
 * strikes. So is the rest: one store to {@code count} moves the slots, nothing is called between the stores of one change, and
 * what is made is made before.
 *
 * <p>Threading: every method may be called from any thread.
 */
final class Shelf {
    private static final int FIRST_CAPACITY = 8;
    private static final Slot[] NO_SLOTS = {};
    private static final int SPINS = 20;
    /** Whoever is inside leaves soon, unless it was descheduled there. */
    private static final int YIELDS = 1000;
    private static final VarHandle INSIDE;

    static {
        try {
            INSIDE = MethodHandles.lookup().findVarHandle(Shelf.class, "inside", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int capacity;
    /** Bytes of each slot; 0 if they differ. */
    private final int slotBytes;
    /** Bytes that all shelves of the pool may still be made larger by. */
    private final AtomicLong room;
    /** The id of the thread that is inside; 0 if none is. */
    private long inside;
    private volatile boolean closed;
    private Slot[] slots = NO_SLOTS;
    private int count;
    /** The fewest slots since the last decay. */
    private int low;

    Shelf(int capacity, int slotBytes, AtomicLong room) {
        this.capacity = capacity;
        this.slotBytes = slotBytes;
        this.room = room;
    }

    /** Puts all of {@code from[start .. end)}, or none. If it throws, they may be here. */
    boolean put(Slot[] from, int start, int end) {
        int some = end - start;
        if (count + some > capacity) {
            return false;
        }
        long me = Thread.currentThread().getId();
        try {
            if (!tryEnter(me) || closed || count + some > capacity || !ensure(count + some)) {
                return false;
            }
            for (int i = 0; i < some; i++) {
                set(count + i, from[start + i]);
            }
            count += some;
            VarHandle.releaseFence();
            return true;
        } finally {
            if (inside == me) {
                inside = 0;
            }
        }
    }

    /** Puts one, as above. */
    boolean put(Slot slot) {
        if (count >= capacity) {
            return false;
        }
        long me = Thread.currentThread().getId();
        try {
            if (!tryEnter(me) || closed || count >= capacity || !ensure(count + 1)) {
                return false;
            }
            set(count, slot);
            count++;
            VarHandle.releaseFence();
            return true;
        } finally {
            if (inside == me) {
                inside = 0;
            }
        }
    }

    /** Takes up to {@code wanted} slots into the first places of {@code into}. */
    int take(Slot[] into, int wanted) {
        if (count == 0) {
            return 0;
        }
        long me = Thread.currentThread().getId();
        try {
            if (!tryEnter(me)) {
                return 0;
            }
            int some = Math.min(count, wanted);
            int from = count - some;
            for (int i = 0; i < some; i++) {
                if (into[i] != slots[from + i]) {
                    into[i] = slots[from + i];
                }
            }
            low = Math.min(low, from);
            count = from;
            VarHandle.releaseFence();
            return some;
        } finally {
            if (inside == me) {
                inside = 0;
            }
        }
    }

    /** Takes one of {@code bytes} bytes; null if there is none. */
    Slot take(int bytes) {
        if (count == 0) {
            return null;
        }
        long me = Thread.currentThread().getId();
        try {
            if (!tryEnter(me)) {
                return null;
            }
            Slot found = null;
            int left = count - 1;
            for (int i = left; i >= 0 && found == null; i--) {
                if (slots[i].root.capacity() == bytes) {
                    found = slots[i];
                    low = Math.min(low, left);
                    count = left;
                    slots[i] = slots[left];
                }
            }
            VarHandle.releaseFence();
            return found;
        } finally {
            if (inside == me) {
                inside = 0;
            }
        }
    }

    /** Takes out what nobody wanted since the last call, and forgets slots that are not in it any more. */
    Slot[] decay() {
        // The lowest of a stack are the ones that were not wanted.
        return takeLowest(false);
    }

    /** Takes everything out, unless somebody is inside for long; if for ever, takes nothing any more. */
    Slot[] drain(boolean forEver) {
        closed |= forEver;
        return takeLowest(true);
    }

    private Slot[] takeLowest(boolean all) {
        if (slots.length == 0 && !all) {
            return NO_SLOTS;
        }
        long me = Thread.currentThread().getId();
        try {
            if (!enter(me)) {
                return NO_SLOTS;
            }
            int some = all ? count : low;
            int left = count - some;
            Slot[] taken = some == 0 ? NO_SLOTS : new Slot[some];
            Slot[] kept = left == 0 ? NO_SLOTS : new Slot[left];
            System.arraycopy(slots, 0, taken, 0, some);
            System.arraycopy(slots, some, kept, 0, left);
            long freed = (long) (slots.length - left) * slotBytes;
            slots = kept;
            count = left;
            low = left;
            room.addAndGet(freed);
            VarHandle.releaseFence();
            return taken;
        } finally {
            if (inside == me) {
                inside = 0;
            }
        }
    }

    /** Whether nothing is in it, nor was since the last decay. Of the moment. */
    boolean isResting() {
        return slots.length == 0;
    }

    /** Bytes of what is in it. Of the moment: nobody is kept out meanwhile. */
    long bytes() {
        if (slotBytes > 0) {
            return (long) count * slotBytes;
        }
        Slot[] seen = slots;
        long bytes = 0;
        for (int i = Math.min(count, seen.length) - 1; i >= 0; i--) {
            Slot slot = seen[i];
            bytes += slot == null ? 0 : slot.root.capacity();
        }
        return bytes;
    }

    /** Makes room for so many slots; false if there is none to be had, here or on the Java heap. */
    private boolean ensure(int wanted) {
        if (wanted <= slots.length) {
            return true;
        }
        int larger = Math.min(capacity, Math.max(FIRST_CAPACITY, 2 * wanted));
        long bytes = (long) (larger - slots.length) * slotBytes;
        if (room.get() < bytes) {
            return false;
        }
        Slot[] grown;
        try {
            grown = new Slot[larger];
        } catch (OutOfMemoryError e) {
            return false;
        }
        if (room.addAndGet(-bytes) < 0) {
            room.addAndGet(bytes);
            return false;
        }
        System.arraycopy(slots, 0, grown, 0, count);
        slots = grown;
        return true;
    }

    /** A store of a reference into an old array is the most expensive part of this. */
    private void set(int index, Slot slot) {
        if (slots[index] != slot) {
            slots[index] = slot;
        }
    }

    /** Waits for as long as it takes to copy a batch, because to go elsewhere costs more. */
    private boolean tryEnter(long me) {
        for (int spins = 0; spins < SPINS; spins++) {
            if ((long) INSIDE.getOpaque(this) == 0 && INSIDE.compareAndSet(this, 0L, me)) {
                return true;
            }
            Thread.onSpinWait();
        }
        return false;
    }

    /** For those who may come back later, but had better not. */
    private boolean enter(long me) {
        for (int yields = 0; yields < YIELDS; yields++) {
            if (tryEnter(me)) {
                return true;
            }
            Thread.yield();
        }
        return false;
    }
}
