package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SlotTableTest {
    private static final long BASE = 0x7f12_3440_0000L;

    private final SlotTable table = new SlotTable();

    private static Slot slot(long address, int sizeClass) {
        return new Slot(ByteBuffer.allocateDirect(1), new Watch(null, address, sizeClass));
    }

    private Slot park(long address, int sizeClass) {
        Slot slot = slot(address, sizeClass);
        table.park(new Slot[] {slot}, 0, 1);
        return slot;
    }

    private Slot take(long address, int sizeClass) {
        Slot[] into = new Slot[1];
        int missing = table.take(new long[] {address}, 1, sizeClass, into);
        assertEquals(into[0] == null ? 1 : 0, missing);
        return into[0];
    }

    @Test
    void whatIsParkedIsTakenOnce() {
        Slot atPage = park(BASE, 3);
        Slot inside = park(BASE + 64, 3);
        assertSame(inside, take(BASE + 64, 3));
        assertNull(take(BASE + 64, 3));
        assertSame(atPage, take(BASE, 3));
        assertNull(take(BASE, 3));
    }

    @Test
    void anUnknownAddressHasNoSlot() {
        assertNull(take(BASE, 0));
        park(BASE, 0);
        assertNull(take(BASE + (4L << 20), 0));
        assertNull(take(BASE + 128, 0));
    }

    @Test
    void aSlotOfAnotherClassIsDropped() {
        park(BASE + 192, 1);
        assertNull(take(BASE + 192, 2));
        assertNull(take(BASE + 192, 1));
        Slot older = park(BASE + 192, 1);
        Slot newer = park(BASE + 192, 1);
        assertNotSame(older, newer);
        assertSame(newer, take(BASE + 192, 1));
    }

    @Test
    void aSweepDropsWhatWasNotTouchedSinceTheLast() {
        park(BASE, 0);
        park(BASE + 8192 + 64, 0);
        assertEquals(0, table.sweep(), "they were parked just now");
        Slot recent = park(BASE + 5 * 8192, 0);
        assertEquals(2, table.sweep());
        assertNull(take(BASE, 0));
        assertNull(take(BASE + 8192 + 64, 0));
        assertSame(recent, take(BASE + 5 * 8192, 0));
    }

    @Test
    void clearDropsAll() {
        park(BASE, 0);
        park(BASE + (100L << 20) + 64, 0);
        assertEquals(2, table.clear());
        assertNull(take(BASE, 0));
        assertEquals(0, table.clear());
    }

    @Test
    void manyChunksAreFoundAgain() {
        List<Slot> parked = new ArrayList<>();
        Random random = new Random(7);
        for (int chunk = 0; chunk < 300; chunk++) {
            long address = BASE + ((long) chunk << 22) + 64L * random.nextInt(1 << 16);
            parked.add(park(address, 5));
        }
        for (Slot slot : parked) {
            assertSame(slot, take(slot.address(), 5));
        }
    }

    @Test
    void threadsParkAndTakeSideBySide() throws InterruptedException {
        int threads = 4;
        List<Throwable> errors = new ArrayList<>();
        List<Thread> running = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            int mine = t;
            Thread thread = new Thread(() -> {
                // The blocks of one thread lie between those of the others, in the same pages and chunks.
                for (int round = 0; round < 20_000; round++) {
                    long address = BASE + ((long) (round % 64) << 20) + 64L * (threads * (round % 50) + mine);
                    Slot slot = park(address, 2);
                    Slot found = take(address, 2);
                    if (found != slot && found != null) {
                        throw new AssertionError("at " + address + " " + found);
                    }
                }
            });
            thread.setUncaughtExceptionHandler((where, error) -> {
                synchronized (errors) {
                    errors.add(error);
                }
            });
            thread.start();
            running.add(thread);
        }
        while (running.stream().anyMatch(Thread::isAlive)) {
            table.sweep();
        }
        for (Thread thread : running) {
            thread.join();
        }
        assertEquals(List.of(), errors);
    }
}
