package io.millpond.examples;

import java.util.Locale;

/** Bytes as people read them. */
final class Amount {
    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};
    private static final int STEP = 1024;

    private Amount() {}

    /** Formats a number of bytes with the unit that leaves one to four digits before the point. */
    static String bytes(double bytes) {
        int unit = 0;
        double value = bytes;
        while (Math.abs(value) >= STEP && unit < UNITS.length - 1) {
            value /= STEP;
            unit++;
        }
        return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", value, UNITS[unit]);
    }

    /** Formats a difference of bytes in MiB, with its sign. */
    static String growth(long bytes) {
        return String.format(Locale.ROOT, "%+.1f MiB", bytes / (double) (1 << 20));
    }

    /** Formats a time in seconds. */
    static String seconds(long nanos) {
        return String.format(Locale.ROOT, "%.2f s", nanos / 1e9);
    }
}
