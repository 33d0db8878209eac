package io.millpond;

/**
 * What the {@code Cleaner} found, for whoever gives it back: a stack, whose nodes are the watches themselves, because a full
 * heap is when buffers are forgotten.
 *
 * <p>Threading: every method may be called from any thread.
 */
final class Forgotten {
    private volatile Watch top;

    /** The Cleaner's, which has no second try: there is nothing in it that could want stack or heap. */
    synchronized void push(Watch watch) {
        watch.next = top;
        top = watch;
    }

    /** Null if there is none. */
    synchronized Watch pop() {
        Watch watch = top;
        if (watch != null) {
            top = watch.next;
        }
        return watch;
    }

    boolean isEmpty() {
        return top == null;
    }
}
