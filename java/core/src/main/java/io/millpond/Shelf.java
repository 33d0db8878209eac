package io.millpond;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Ready slots that one thread gave and another will take, a stack. Who finds it taken does not wait but goes elsewhere.
 *
 * <p>Threading: every method may be called from any thread. A word is the lock, because all that happens under it is that
 * a few references are copied.
 */
final class Shelf {
    private static final int FIRST_CAPACITY = 8;
    private static final Slot[] NO_SLOTS = {};
    private static final int SPINS = 20;
    private static final VarHandle TAKEN;

    static {
        try {
            TAKEN = MethodHandles.lookup().findVarHandle(Shelf.class, "taken", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int capacity;
    private final int slotBytes;
    /** Bytes that all shelves of the pool may still be made larger by. */
    private final AtomicLong room;
    private boolean taken;
    private boolean closed;
    private Slot[] slots = NO_SLOTS;
    private int count;
    /** The fewest slots since the last decay. */
    private int low;

    Shelf(int capacity, int slotBytes, AtomicLong room) {
        this.capacity = capacity;
        this.slotBytes = slotBytes;
        this.room = room;
    }

    /** Puts all of {@code from[start .. end)}, or none. */
    boolean put(Slot[] from, int start, int end) {
        int after = count + end - start;
        if (after > capacity || !tryEnter()) {
            return false;
        }
        try {
            after = count + end - start;
            if (closed || after > capacity || !ensure(after)) {
                return false;
            }
            for (int i = start; i < end; i++) {
                set(count + i - start, from[i]);
            }
            count = after;
            return true;
        } finally {
            leave();
        }
    }

    /** Puts one, as above. */
    boolean put(Slot slot) {
        if (count >= capacity || !tryEnter()) {
            return false;
        }
        try {
            if (closed || count >= capacity || !ensure(count + 1)) {
                return false;
            }
            set(count, slot);
            count++;
            return true;
        } finally {
            leave();
        }
    }

    /** Takes up to {@code wanted} slots into the first places of {@code into}. */
    int take(Slot[] into, int wanted) {
        if (count == 0 || !tryEnter()) {
            return 0;
        }
        try {
            int some = Math.min(count, wanted);
            int from = count - some;
            for (int i = 0; i < some; i++) {
                if (into[i] != slots[from + i]) {
                    into[i] = slots[from + i];
                }
            }
            count = from;
            low = Math.min(low, from);
            return some;
        } finally {
            leave();
        }
    }

    /** Takes one of {@code bytes} bytes; null if there is none. */
    Slot take(int bytes) {
        if (count == 0 || !tryEnter()) {
            return null;
        }
        try {
            for (int i = count - 1; i >= 0; i--) {
                Slot slot = slots[i];
                if (slot.root.capacity() == bytes) {
                    int left = count - 1;
                    System.arraycopy(slots, i + 1, slots, i, left - i);
                    // No call here: it could fail for want of stack, and leave the last slot here twice.
                    count = left;
                    low = Math.min(low, left);
                    return slot;
                }
            }
            return null;
        } finally {
            leave();
        }
    }

    /** Takes out what nobody wanted since the last call, and forgets slots that are not in it any more. */
    Slot[] decay() {
        enter();
        try {
            if (slots.length == 0) {
                return NO_SLOTS;
            }
            // The lowest of a stack are the ones that were not wanted.
            Slot[] idle = new Slot[low];
            System.arraycopy(slots, 0, idle, 0, low);
            int left = count - low;
            Slot[] kept = new Slot[left];
            System.arraycopy(slots, low, kept, 0, left);
            replace(kept);
            count = left;
            low = left;
            return idle;
        } finally {
            leave();
        }
    }

    /** Takes everything out. */
    Slot[] drain(boolean forEver) {
        enter();
        try {
            closed |= forEver;
            low = count;
            Slot[] all = new Slot[count];
            System.arraycopy(slots, 0, all, 0, count);
            replace(NO_SLOTS);
            count = 0;
            low = 0;
            return all;
        } finally {
            leave();
        }
    }

    /** Whether nothing is in it, nor was since the last decay. Of the moment. */
    boolean isResting() {
        return slots.length == 0;
    }

    /** Bytes of what is in it. */
    long bytes() {
        enter();
        try {
            long bytes = 0;
            for (int i = 0; i < count; i++) {
                bytes += slots[i].root.capacity();
            }
            return bytes;
        } finally {
            leave();
        }
    }

    /** Whether there is nothing to be had. Of the moment. */
    boolean isEmpty() {
        return count == 0;
    }

    /** Makes room for so many slots; false if there is none to be had. */
    private boolean ensure(int wanted) {
        if (wanted <= slots.length) {
            return true;
        }
        int larger = Math.min(capacity, Math.max(FIRST_CAPACITY, 2 * wanted));
        long bytes = (long) (larger - slots.length) * slotBytes;
        if (room.get() < bytes) {
            return false;
        }
        Slot[] grown = new Slot[larger];
        if (room.addAndGet(-bytes) < 0) {
            room.addAndGet(bytes);
            return false;
        }
        System.arraycopy(slots, 0, grown, 0, count);
        slots = grown;
        return true;
    }

    /** By an array that is not larger. */
    private void replace(Slot[] smaller) {
        room.addAndGet((long) (slots.length - smaller.length) * slotBytes);
        slots = smaller;
    }

    /** A store of a reference into an old array is the most expensive part of this. */
    private void set(int index, Slot slot) {
        if (slots[index] != slot) {
            slots[index] = slot;
        }
    }

    /** Waits for as long as it takes to copy a batch, because to go elsewhere costs more. */
    private boolean tryEnter() {
        for (int spins = 0; spins < SPINS; spins++) {
            if (!(boolean) TAKEN.getOpaque(this) && TAKEN.compareAndSet(this, false, true)) {
                return true;
            }
            Thread.onSpinWait();
        }
        return false;
    }

    /** For those who may not go elsewhere; whoever is inside leaves soon. */
    private void enter() {
        while (!tryEnter()) {
            Thread.yield();
        }
    }

    private void leave() {
        TAKEN.setRelease(this, false);
    }
}
