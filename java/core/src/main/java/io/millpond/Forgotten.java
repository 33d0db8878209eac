package io.millpond;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * What the {@code Cleaner} found, until it is given back: a stack, whose nodes are the watches themselves, because a full
 * heap is when buffers are forgotten.
 *
 * <p>Threading: every method may be called from any thread.
 */
final class Forgotten {
    private final Consumer<Watch> giver;
    /** Null if there is nothing to say. */
    private final Consumer<Watch> reporter;
    private final AtomicLong count = new AtomicLong();
    /** Held by who gives them back. */
    private final Object giving = new Object();
    private volatile Watch top;

    /** {@code giver} gives a block back; {@code reporter}, which may be null, is told afterwards. */
    Forgotten(Consumer<Watch> giver, Consumer<Watch> reporter) {
        this.giver = giver;
        this.reporter = reporter;
    }

    /** The Cleaner's, which has no second try: there is nothing in it that could want stack or heap. */
    synchronized void push(Watch watch) {
        watch.next = top;
        top = watch;
    }

    /** Null if there is none. */
    private synchronized Watch pop() {
        Watch watch = top;
        if (watch != null) {
            top = watch.next;
        }
        return watch;
    }

    boolean isEmpty() {
        return top == null;
    }

    /** How many were given back, ever. */
    long count() {
        return count.get();
    }

    /** Gives their blocks back. Returns whether there were any. */
    boolean giveBack() {
        if (isEmpty()) {
            return false;
        }
        synchronized (giving) {
            boolean any = false;
            for (Watch watch = pop(); watch != null; watch = pop()) {
                giveBack(watch);
                any = true;
            }
            return any;
        }
    }

    private void giveBack(Watch watch) {
        try {
            giver.accept(watch);
        } catch (Throwable e) {
            if (watch.held) {
                // Not given yet: the next one who comes tries again.
                push(watch);
            }
            throw e;
        }
        // Afterwards: when no buffer is live any more, no memory is used any more.
        count.incrementAndGet();
        if (reporter != null) {
            reporter.accept(watch);
        }
    }
}
