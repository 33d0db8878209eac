package io.millpond;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ShelfTest {
    private final AtomicLong room = new AtomicLong(100 * 64);
    private final Shelf shelf = new Shelf(20, 64, room);

    private static Slot slot(int bytes) {
        return new Slot(ByteBuffer.allocateDirect(bytes), new Watch(null, 64, 0));
    }

    private static Slot[] slots(int count) {
        Slot[] slots = new Slot[count];
        for (int i = 0; i < count; i++) {
            slots[i] = slot(64);
        }
        return slots;
    }

    @Test
    void givesWhatWasPutLastInTheSameOrder() {
        Slot[] in = slots(6);
        assertTrue(shelf.put(in, 1, 4));
        assertTrue(shelf.put(in, 4, 6));
        Slot[] out = new Slot[8];
        assertEquals(3, shelf.take(out, 3));
        assertArrayEquals(new Slot[] {in[3], in[4], in[5]}, new Slot[] {out[0], out[1], out[2]});
        assertEquals(2 * 64, shelf.bytes());
        assertEquals(2, shelf.take(out, 8));
        assertSame(in[1], out[0]);
        assertEquals(0, shelf.take(out, 8));
        assertEquals(0, shelf.bytes());
    }

    @Test
    void takesAllOrNothing() {
        Slot[] in = slots(21);
        assertFalse(shelf.put(in, 0, 21));
        assertTrue(shelf.put(in, 0, 15));
        assertFalse(shelf.put(in, 15, 21));
        assertTrue(shelf.put(in, 15, 20));
        assertFalse(shelf.put(in[20]));
        assertEquals(20, shelf.drain(false).length);
        assertTrue(shelf.put(in[20]));
    }

    @Test
    void growsAsFarAsThereIsRoomForAllShelves() {
        room.set(15 * 64);
        Slot[] in = slots(20);
        assertTrue(shelf.put(in, 0, 5));
        assertFalse(shelf.put(in, 5, 16));
        assertEquals(5 * 64, room.get(), "it has places for ten");
        assertTrue(shelf.put(in, 5, 10));
        assertFalse(shelf.put(in[10]));
        shelf.drain(false);
        assertEquals(15 * 64, room.get());
        shelf.put(in, 0, 5);
        shelf.decay();
        assertEquals(10 * 64, room.get(), "what it does not need it gives back");
        shelf.decay();
        assertEquals(15 * 64, room.get());
    }

    @Test
    void findsOneBySize() {
        Slot small = slot(64);
        Slot large = slot(128);
        Slot last = slot(64);
        shelf.put(small);
        shelf.put(large);
        shelf.put(last);
        assertSame(large, shelf.take(128));
        assertNull(shelf.take(128));
        assertSame(last, shelf.take(64));
        assertSame(small, shelf.take(64));
        assertNull(shelf.take(64));
    }

    @Test
    void whatNobodyWantsDecays() {
        Slot[] in = slots(10);
        shelf.put(in, 0, 10);
        assertEquals(0, shelf.decay().length, "all of it is new");
        shelf.take(new Slot[3], 3);
        shelf.put(in, 7, 10);
        assertArrayEquals(new Slot[] {in[0], in[1], in[2], in[3], in[4], in[5], in[6]}, shelf.decay());
        assertEquals(3 * 64, shelf.bytes());
        assertEquals(3, shelf.decay().length);
        assertEquals(0, shelf.bytes());
    }

    @Test
    void onceClosedItTakesNothing() {
        shelf.put(slot(64));
        assertEquals(1, shelf.drain(true).length);
        assertFalse(shelf.put(slot(64)));
        assertFalse(shelf.put(slots(2), 0, 2));
        assertEquals(0, shelf.drain(true).length);
    }
}
