package io.millpond.netty;

import io.netty.buffer.AbstractByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.ResourceLeakDetector;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.reflect.Field;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** What Netty's leak detector reports while every buffer is watched. */
final class Leaks implements AutoCloseable {
    private static final long LOOK_AGAIN_MILLIS = 50;

    private final ResourceLeakDetector.Level level = ResourceLeakDetector.getLevel();
    private final List<String> reports = new CopyOnWriteArrayList<>();

    Leaks() {
        // Leaks of others, before anybody listens.
        look();
        detector().setLeakListener((type, records) -> reports.add(type + records));
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
    }

    /** Netty makes one detector for all buffers, with the first of them, and hides it. */
    private static ResourceLeakDetector<?> detector() {
        try {
            Field field = AbstractByteBuf.class.getDeclaredField("leakDetector");
            field.setAccessible(true);
            return (ResourceLeakDetector<?>) field.get(null);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("this Netty keeps its detector elsewhere", e);
        }
    }

    /** Collects garbage and returns what was reported so far. */
    List<String> reports() {
        look();
        return reports;
    }

    /** A detector looks when it is shown another buffer, and on this level it is shown each. */
    private static void look() {
        ResourceLeakDetector.Level before = ResourceLeakDetector.getLevel();
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
        collect();
        // What the first has found is all in its queues when the first find of the second is in its own.
        collect();
        Unpooled.directBuffer(1).release();
        ResourceLeakDetector.setLevel(before);
    }

    /** Returns when a reference to something that was dropped just now has come to its queue. */
    private static void collect() {
        ReferenceQueue<Object> queue = new ReferenceQueue<>();
        PhantomReference<Object> dropped = new PhantomReference<>(new Object(), queue);
        try {
            do {
                System.gc();
            } while (queue.remove(LOOK_AGAIN_MILLIS) == null);
        } catch (InterruptedException e) {
            throw new AssertionError("nobody interrupts a test", e);
        } finally {
            Reference.reachabilityFence(dropped);
        }
    }

    @Override
    public void close() {
        detector().setLeakListener(null);
        ResourceLeakDetector.setLevel(level);
    }
}
