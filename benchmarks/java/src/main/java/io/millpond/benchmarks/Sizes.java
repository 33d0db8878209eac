package io.millpond.benchmarks;

import java.util.Random;

/** Sizes as servers ask for them: log-normal with a median of 4 KiB and a mean of about 12 KiB, from 64 B to 1 MiB. */
public final class Sizes {
    private static final double MEDIAN = 4096;
    private static final double SIGMA = 1.5;
    private static final int LEAST = 64;
    private static final int MOST = 1 << 20;

    private Sizes() {}

    /**
     * Draws some.
     *
     * @param count how many
     * @param seed the same gives the same
     * @return sizes in bytes
     */
    public static int[] logNormal(int count, long seed) {
        Random random = new Random(seed);
        int[] sizes = new int[count];
        for (int i = 0; i < count; i++) {
            double size = MEDIAN * Math.exp(SIGMA * random.nextGaussian());
            sizes[i] = (int) Math.max(LEAST, Math.min(MOST, size));
        }
        return sizes;
    }
}
