package io.millpond;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;

/** Runs the same on several threads at once, and passes on what they throw. */
final class Threads {
    private Threads() {
    }

    /** What one of the threads does. */
    interface Body {
        void run(int index) throws Exception;
    }

    static void run(int count, Body body) throws InterruptedException {
        CyclicBarrier start = new CyclicBarrier(count);
        ConcurrentLinkedQueue<Throwable> errors = new ConcurrentLinkedQueue<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int index = i;
            threads.add(new Thread(() -> {
                try {
                    start.await();
                    body.run(index);
                } catch (Throwable e) {
                    errors.add(e);
                }
            }, "test-" + i));
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        rethrow(errors);
    }

    static void runOne(Body body) throws InterruptedException {
        run(1, body);
    }

    private static void rethrow(ConcurrentLinkedQueue<Throwable> errors) {
        if (!errors.isEmpty()) {
            AssertionError error = new AssertionError(errors.size() + " threads failed, the first with " + errors.peek());
            errors.forEach(error::addSuppressed);
            throw error;
        }
    }
}
