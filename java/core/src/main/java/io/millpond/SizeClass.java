package io.millpond;

/**
 * Which block size serves a request. The native library is the authority; this is the same formula, so that the fast
 * path need not ask, and {@link NativeLibrary} compares the two when it loads the library.
 *
 * <p>There are eight sizes a doubling, multiples of 64 bytes, up to 2 MiB. What is larger is <em>huge</em>: a block with
 * a mapping of its own.
 */
final class SizeClass {
    /** How many classes there are. */
    static final int COUNT = 104;
    /** Stands for every size above the largest class. */
    static final int HUGE = COUNT;
    /** The largest class, in bytes. */
    static final int LARGEST = 2 << 20;

    private static final int PAGE = 8192;
    private static final int GRANULE_SHIFT = 6;
    private static final int STEP_SHIFT = 3;
    private static final int STEPS = 1 << STEP_SHIFT;
    private static final int LINEAR_SHIFT = GRANULE_SHIFT + STEP_SHIFT;
    private static final int LINEAR_MAX = 1 << LINEAR_SHIFT;

    private static final int[] SIZES = new int[COUNT];
    /** The native library's choice, known once it is loaded. */
    private static final int[] BATCHES = new int[COUNT];

    static {
        for (int i = 0; i < COUNT; i++) {
            int doubling = i < STEPS ? 0 : i / STEPS - 1;
            int start = i < STEPS ? 0 : LINEAR_MAX << doubling;
            SIZES[i] = start + (i % STEPS + 1 << GRANULE_SHIFT + doubling);
        }
    }

    private SizeClass() {
    }

    /** The smallest class that holds {@code size} bytes, {@link #HUGE} if none does. A size of 0 takes the smallest. */
    static int of(int size) {
        int below = Math.max(size - 1, 0);
        if (below < LINEAR_MAX) {
            return below >> GRANULE_SHIFT;
        }
        if (below >= LARGEST) {
            return HUGE;
        }
        int log = Integer.SIZE - 1 - Integer.numberOfLeadingZeros(below);
        int step = below >> log - STEP_SHIFT & STEPS - 1;
        return STEPS + (log - LINEAR_SHIFT) * STEPS + step;
    }

    /** Bytes of a block. */
    static int size(int sizeClass) {
        return SIZES[sizeClass];
    }

    /** Bytes of a huge block: whole pages, as far as a {@code ByteBuffer} reaches. */
    static int hugeCapacity(int size) {
        return (int) Math.min((long) size + PAGE - 1 & -PAGE, Integer.MAX_VALUE);
    }

    /**
     * By which class to serve what {@link #of} says, so that every block is aligned: the next one whose size is a
     * multiple of the alignment. Blocks lie side by side from the start of a page on, so such a block is aligned itself.
     *
     * @param alignment a power of two, at most a page
     * @return the class for each class, {@link #HUGE} (which are aligned to pages) included; null if each is its own
     */
    static int[] aligned(int alignment) {
        if (alignment <= 1 << GRANULE_SHIFT) {
            return null;
        }
        int[] classes = new int[COUNT + 1];
        classes[HUGE] = HUGE;
        for (int i = COUNT - 1; i >= 0; i--) {
            classes[i] = SIZES[i] % alignment == 0 ? i : classes[i + 1];
        }
        return classes;
    }

    /** How many blocks change hands at once: 32 of the small ones, 2 at 64 KiB, 1 of the largest. */
    static int batch(int sizeClass) {
        return BATCHES[sizeClass];
    }

    /**
     * Takes over the native library's batches, and compares its sizes with the formula. Once, before the first pool.
     *
     * @return what is different; null if nothing is
     */
    static String adoptNative() {
        int[] sizes = new int[COUNT];
        int count = Native.sizeClasses(sizes, BATCHES);
        if (count != COUNT) {
            return "it has " + count + " size classes instead of " + COUNT;
        }
        for (int i = 0; i < COUNT; i++) {
            if (sizes[i] != SIZES[i]) {
                return "its size class " + i + " has " + sizes[i] + " bytes instead of " + SIZES[i];
            }
        }
        return null;
    }
}
