package io.millpond.examples;

import java.util.SplittableRandom;

/**
 * The sizes of the buffers asked for: evenly spread over the doublings from 1 KiB to 256 KiB, with one in 200 above 2 MiB,
 * where a pool cannot serve from its size classes. The same seed gives the same sizes, so both sources do the same work.
 *
 * <p>Threading: one owner.
 */
final class SizeMix {
    static final int SMALLEST = 1 << 10;
    static final int LARGEST_COMMON = 256 << 10;
    static final int SMALLEST_HUGE = (2 << 20) + 1;
    static final int LARGEST_HUGE = 3 << 20;

    private static final int ONE_HUGE_IN = 200;
    private static final int DOUBLINGS = Integer.numberOfTrailingZeros(LARGEST_COMMON / SMALLEST);

    private final SplittableRandom random;

    SizeMix(long seed) {
        random = new SplittableRandom(seed);
    }

    int next() {
        if (random.nextInt(ONE_HUGE_IN) == 0) {
            return random.nextInt(SMALLEST_HUGE, LARGEST_HUGE + 1);
        }
        int floor = SMALLEST << random.nextInt(DOUBLINGS);
        return floor + random.nextInt(floor + 1);
    }
}
