package io.millpond.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SizeMixTest {
    private static final int DRAWS = 20_000;

    @Test
    void sizesAreCommonOrHuge() {
        int[] sizes = draw(7);
        assertTrue(IntStream.of(sizes).allMatch(size -> isCommon(size) || isHuge(size)));
        long huge = IntStream.of(sizes).filter(SizeMixTest::isHuge).count();
        assertTrue(huge > 50 && huge < 150, huge + " of " + DRAWS + " are huge");
    }

    @Test
    void aSeedAlwaysGivesTheSameSizes() {
        assertEquals(IntStream.of(draw(1)).boxed().toList(), IntStream.of(draw(1)).boxed().toList());
    }

    private static boolean isCommon(int size) {
        return size >= SizeMix.SMALLEST && size <= SizeMix.LARGEST_COMMON;
    }

    private static boolean isHuge(int size) {
        return size >= SizeMix.SMALLEST_HUGE && size <= SizeMix.LARGEST_HUGE;
    }

    private static int[] draw(long seed) {
        SizeMix mix = new SizeMix(seed);
        return IntStream.range(0, DRAWS).map(i -> mix.next()).toArray();
    }
}
