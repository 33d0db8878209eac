package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SizeClassTest {
    @Test
    void theFormulaIsTheNativeLibrarys() {
        NativeLibrary.ensureAvailability();
        assertNull(SizeClass.adoptNative());
        for (int i = 1; i < SizeClass.COUNT; i++) {
            assertTrue(SizeClass.batch(i) >= 1 && SizeClass.batch(i) <= SizeClass.batch(i - 1), "batch of class " + i);
        }
    }

    @Test
    void everySizeHasTheSmallestClassThatHoldsIt() {
        int expected = 0;
        for (int size = 0; size <= SizeClass.LARGEST; size++) {
            if (size > SizeClass.size(expected)) {
                expected++;
            }
            assertEquals(expected, SizeClass.of(size));
        }
        assertEquals(SizeClass.COUNT - 1, expected);
        assertEquals(SizeClass.LARGEST, SizeClass.size(expected));
    }

    @Test
    void classesWasteLittle() {
        for (int i = 8; i < SizeClass.COUNT; i++) {
            int smallestRequest = SizeClass.size(i - 1) + 1;
            assertTrue((SizeClass.size(i) - smallestRequest) * 9 <= SizeClass.size(i), "class " + i);
        }
    }

    @Test
    void whatIsLargerIsHuge() {
        assertEquals(SizeClass.HUGE, SizeClass.of(SizeClass.LARGEST + 1));
        assertEquals(SizeClass.HUGE, SizeClass.of(Integer.MAX_VALUE));
    }
}
