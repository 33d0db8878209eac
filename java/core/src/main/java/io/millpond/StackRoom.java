package io.millpond;

/**
 * Whether a thread has enough stack for what must not be interrupted by its end: a slow way moves slots and blocks and
 * holds locks, so the error is to strike before it begins. What is too quick to ask leaves its locks by a plain store,
 * which needs no stack, and moves a slot by one.
 */
final class StackRoom {
    /** Enough for the deepest of these ways where all of it is interpreted, which takes most. */
    private static final int NEEDED = 24 << 10;

    private StackRoom() {
    }

    /** Throws the error now that would strike later. */
    static void ensure() {
        ensure(NEEDED);
    }

    /** The same before several slow ways which must not be left half done, and each of which asks as well. */
    static void ensureForAll() {
        ensure(2 * NEEDED);
    }

    private static void ensure(int needed) {
        long left = Native.stackLeft();
        if (left < needed) {
            throw new StackOverflowError("about " + left + " bytes of stack are left, the pool wants " + needed
                    + "; let threads recurse less deeply, or raise -Xss");
        }
    }
}
