package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class BinTest {
    private final Bin bin = new Bin(0);

    private static Slot slot() {
        return new Slot(ByteBuffer.allocateDirect(64), new Watch(null, 64, 0));
    }

    @Test
    void isAStackThatCounts() {
        bin.resize(2);
        Slot first = slot();
        Slot second = slot();
        bin.push(first);
        assertFalse(bin.isFull());
        bin.push(second);
        assertTrue(bin.isFull());
        assertEquals(128, bin.bytes());
        assertSame(second, bin.pop());
        assertSame(first, bin.pop());
        assertEquals(2, bin.allocations);
        assertEquals(2, bin.releases);
    }

    @Test
    void staleReferencesAreForgottenAndReadyOnesKept() {
        bin.resize(4);
        Slot ready = slot();
        bin.push(ready);
        bin.push(slot());
        bin.push(slot());
        bin.pop();
        bin.pop();
        bin.clearStale();
        assertNull(bin.slots[1]);
        assertNull(bin.slots[2]);
        assertSame(ready, bin.pop());
    }

    @Test
    void resizingKeepsWhatIsReady() {
        bin.resize(4);
        Slot ready = slot();
        bin.push(ready);
        bin.resize(1);
        assertTrue(bin.isFull());
        bin.resize(8);
        assertSame(ready, bin.pop());
    }

    @Test
    void useIsNoticed() {
        bin.resize(1);
        assertTrue(bin.isUnused());
        bin.push(slot());
        assertFalse(bin.isUnused());
        assertTrue(bin.isUnused());
    }
}
