package io.millpond;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What the {@code Cleaner} found, for whoever gives it back: a stack, whose nodes are the watches themselves, because a full
 * heap is when buffers are forgotten.
 *
 * <p>Threading: {@code push} may be called from any thread, {@code pop} by one at a time.
 */
final class Forgotten {
    private static final VarHandle TOP;

    static {
        try {
            TOP = MethodHandles.lookup().findVarHandle(Forgotten.class, "top", Watch.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile Watch top;

    void push(Watch watch) {
        do {
            watch.next = top;
        } while (!TOP.compareAndSet(this, watch.next, watch));
    }

    /** Null if there is none. */
    Watch pop() {
        Watch watch = top;
        // What was popped comes back only by who popped it, so the one below is still the one below.
        while (watch != null && !TOP.compareAndSet(this, watch, watch.next)) {
            watch = top;
        }
        return watch;
    }

    boolean isEmpty() {
        return top == null;
    }
}
