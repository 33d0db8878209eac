package io.millpond;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Function;

/**
 * Ready slots of all threads, between the magazines and the native library: what one magazine has too many of another
 * one takes, without JNI and without a look at the {@link SlotTable}. Blocks too large for magazines go through here one
 * by one.
 *
 * <p>For each class there are several {@linkplain Shelf shelves}; a thread begins with its own and goes on to the others
 * when that is empty, full or taken. What nobody wanted for a while goes to the native library.
 *
 * <p>Threading: every method may be called from any thread.
 */
final class Shelves {
    /** Bytes of a class on all its shelves, at most. */
    private static final long CLASS_BYTES = 4 << 20;
    /** Bytes of all classes, at most. */
    private static final long BYTES = 64 << 20;
    private static final int SLOTS_MAX = 1024;
    /** Blocks above the largest class: so many a shelf, and none larger than this. */
    private static final int HUGE_SLOTS = 4;
    private static final int HUGE_BYTES_MAX = 32 << 20;
    private static final int STRIPES_MAX = 8;
    private static final int STRIPES =
            Integer.highestOneBit(2 * Math.min(STRIPES_MAX, Runtime.getRuntime().availableProcessors()) - 1);

    private final Exchange exchange;
    /** By class, the last for {@link SizeClass#HUGE}. Made when something is first put there. */
    private final AtomicReferenceArray<Shelf[]> rows = new AtomicReferenceArray<>(SizeClass.COUNT + 1);
    private final AtomicLong room = new AtomicLong(BYTES);
    private boolean closed;

    Shelves(Exchange exchange) {
        this.exchange = exchange;
    }

    /** Takes up to {@code count} slots of a class into the first places of {@code into}. */
    int take(Thread thread, int sizeClass, Slot[] into, int count) {
        Shelf[] row = rows.getAcquire(sizeClass);
        int taken = 0;
        for (int i = 0; row != null && taken == 0 && i < STRIPES; i++) {
            taken = row[index(thread) + i & STRIPES - 1].take(into, count);
        }
        return taken;
    }

    /** Takes a slot whose root has {@code bytes} bytes; null if there is none. */
    Slot takeOne(Thread thread, int sizeClass, int bytes) {
        Shelf[] row = rows.getAcquire(sizeClass);
        Slot slot = null;
        for (int i = 0; row != null && slot == null && i < STRIPES; i++) {
            slot = row[index(thread) + i & STRIPES - 1].take(bytes);
        }
        return slot;
    }

    /** Puts all of {@code slots[from .. to)}, or none. */
    boolean put(Thread thread, int sizeClass, Slot[] slots, int from, int to) {
        Shelf[] row = row(sizeClass);
        for (int i = 0; row != null && i < STRIPES; i++) {
            if (row[index(thread) + i & STRIPES - 1].put(slots, from, to)) {
                return true;
            }
        }
        return false;
    }

    /** Puts one, as above. */
    boolean putOne(Thread thread, Slot slot) {
        if (slot.sizeClass == SizeClass.HUGE && slot.root.capacity() > HUGE_BYTES_MAX) {
            return false;
        }
        Shelf[] row = row(slot.sizeClass);
        for (int i = 0; row != null && i < STRIPES; i++) {
            if (row[index(thread) + i & STRIPES - 1].put(slot)) {
                return true;
            }
        }
        return false;
    }

    /** Gives what nobody wanted since the last call to the native library. */
    void decay() {
        if (!areEmpty()) {
            empty(Shelf::decay);
        }
    }

    /** Gives everything to the native library. Returns whether there was anything. */
    boolean drain() {
        return !areEmpty() && empty(shelf -> shelf.drain(false));
    }

    /** The same, and takes nothing any more. May be called again for what it missed. */
    void close() {
        synchronized (this) {
            closed = true;
        }
        empty(shelf -> shelf.drain(true));
    }

    /** Whether there is nothing on them for time to take away. */
    boolean areEmpty() {
        for (int sizeClass = 0; sizeClass <= SizeClass.HUGE; sizeClass++) {
            Shelf[] row = rows.getAcquire(sizeClass);
            for (int i = 0; row != null && i < STRIPES; i++) {
                if (!row[i].isResting()) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Bytes on the shelves of classes. */
    long bytes() {
        long bytes = 0;
        for (int sizeClass = 0; sizeClass < SizeClass.COUNT; sizeClass++) {
            bytes += bytes(sizeClass);
        }
        return bytes;
    }

    /** Bytes of blocks above the largest class. */
    long hugeBytes() {
        return bytes(SizeClass.HUGE);
    }

    private long bytes(int sizeClass) {
        Shelf[] row = rows.getAcquire(sizeClass);
        long bytes = 0;
        for (int i = 0; row != null && i < STRIPES; i++) {
            bytes += row[i].bytes();
        }
        return bytes;
    }

    private boolean empty(Function<Shelf, Slot[]> how) {
        // First, so that no slot is taken from a shelf and then cannot be given away.
        long[] addresses = new long[SizeClass.batch(0)];
        boolean any = false;
        for (int sizeClass = 0; sizeClass <= SizeClass.HUGE; sizeClass++) {
            Shelf[] row = rows.getAcquire(sizeClass);
            for (int i = 0; row != null && i < STRIPES; i++) {
                Slot[] slots = how.apply(row[i]);
                exchange.giveAll(sizeClass, slots, addresses);
                any |= slots.length > 0;
            }
        }
        return any;
    }

    /** Null if the Java heap has no room for it. */
    private Shelf[] row(int sizeClass) {
        Shelf[] row = rows.getAcquire(sizeClass);
        try {
            return row != null ? row : make(sizeClass);
        } catch (OutOfMemoryError e) {
            return null;
        }
    }

    private synchronized Shelf[] make(int sizeClass) {
        Shelf[] row = rows.get(sizeClass);
        if (row == null) {
            row = new Shelf[STRIPES];
            // Huge ones are few, and of all sizes.
            int bytes = sizeClass == SizeClass.HUGE ? 0 : SizeClass.size(sizeClass);
            for (int i = 0; i < STRIPES; i++) {
                // One that is made after the others were closed takes nothing.
                row[i] = new Shelf(closed ? 0 : capacity(sizeClass), bytes, room);
            }
            rows.set(sizeClass, row);
        }
        return row;
    }

    private static int capacity(int sizeClass) {
        if (sizeClass == SizeClass.HUGE) {
            return HUGE_SLOTS;
        }
        long slots = CLASS_BYTES / SizeClass.size(sizeClass) / STRIPES;
        return (int) Math.max(1, Math.min(SLOTS_MAX, slots));
    }

    private static int index(Thread thread) {
        return (int) thread.getId();
    }
}
