package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

class CloseTest {
    private static BufferPool pool(String name) {
        return BufferPool.builder().name(name).maxMemory(64 << 20).decay(Duration.ofMillis(100)).build();
    }

    /** What is logged meanwhile. */
    private static List<String> logged(Runnable act) {
        // Other threads may be about to add one.
        List<String> messages = new CopyOnWriteArrayList<>();
        Handler handler = new Handler() {
            @Override
            public synchronized void publish(LogRecord record) {
                messages.add(record.getLevel() + " " + record.getMessage());
            }

            @Override
            public void flush() {
            }

            @Override
            public void close() {
            }
        };
        Logger logger = Logger.getLogger("io.millpond");
        logger.setUseParentHandlers(false);
        logger.addHandler(handler);
        try {
            act.run();
        } finally {
            logger.removeHandler(handler);
            logger.setUseParentHandlers(true);
        }
        return messages;
    }

    @Test
    void liveBuffersStayValidAndTheLastReleaseFreesTheRest() throws InterruptedException {
        BufferPool pool = pool("closed-early");
        int[] sizes = {100, 5000, 70_000, 1 << 20, 3 << 20};
        List<PooledBuffer> live = new ArrayList<>();
        for (int size : sizes) {
            live.add(pool.allocate(size));
            pool.allocate(size).release();
        }
        live.forEach(buffer -> buffer.byteBuffer().putLong(0, 0x1122334455667788L));
        List<String> messages = logged(pool::close);
        assertTrue(messages.stream().anyMatch(message -> message.startsWith("WARNING") && message.contains("'closed-early'")
            && message.contains("live buffers: 5,")), messages::toString);
        assertTrue(pool.toString().contains("closed") && pool.toString().contains("5 live buffers"), pool::toString);

        PoolStats stats = pool.stats();
        assertEquals(5, stats.liveBuffers());
        assertEquals(0, stats.cachedBytes());
        for (int i = 0; i < sizes.length; i++) {
            ByteBuffer bytes = live.get(i).byteBuffer();
            assertEquals(0x1122334455667788L, bytes.getLong(0));
            bytes.put(sizes[i] - 1, (byte) 1);
            long before = pool.stats().usedBytes();
            PooledBuffer buffer = live.get(i);
            if (i % 2 == 0) {
                buffer.release();
            } else {
                Threads.runOne(index -> buffer.release());
            }
            assertTrue(pool.stats().usedBytes() < before);
            assertEquals(sizes.length - 1 - i, pool.stats().liveBuffers());
        }
        stats = pool.stats();
        assertEquals(0, stats.usedBytes());
        assertEquals(0, stats.cachedBytes());
        assertEquals(0, stats.committedBytes(), stats::toString);
    }

    @Test
    void whatWasFreeGoesBackAtOnce() {
        BufferPool pool = BufferPool.builder().name("all-free").maxMemory(128 << 20).decay(Duration.ofHours(1)).build();
        List<PooledBuffer> live = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            live.add(pool.allocate(64 * 1024));
        }
        live.forEach(PooledBuffer::release);
        assertTrue(pool.stats().committedBytes() >= 60 << 20);
        List<String> messages = logged(pool::close);
        assertTrue(messages.stream().noneMatch(message -> message.contains("'all-free'")),
            () -> "nothing is out, so there is nothing to warn of: " + messages);
        assertEquals(0, pool.stats().committedBytes());
        assertEquals(0, pool.stats().cachedBytes());
    }

    @Test
    void aPoolThatIsDroppedIsClosed() {
        PooledBuffer[] live = new PooledBuffer[1];
        List<String> messages = logged(() -> {
            live[0] = dropAPool();
            Await.untilCollected(live[0].core()::isClosed, () -> "still open");
        });
        assertTrue(messages.stream().anyMatch(message -> message.contains("'dropped'") && message.contains("without close()")),
            messages::toString);
        live[0].byteBuffer().putInt(0, 7);
        live[0].release();
        Await.until(() -> !Housekeeper.knows(live[0].core()), () -> "still there");
    }

    private static PooledBuffer dropAPool() {
        BufferPool pool = pool("dropped");
        pool.allocate(100).release();
        return pool.allocate(1000);
    }

    @Test
    void aPoolInWhichSomebodyWaitsIsNotDropped() throws Exception {
        ForkedJvm forked = ForkedJvm.run(ForkedJvm.withLibrary("-Xbatch"), OnlyAWaiter.class);
        assertEquals(0, forked.exitStatus, forked::toString);
        assertTrue(forked.output.contains("served"), forked::toString);
    }

    /** Nobody knows the pool but a call that waits in it. */
    static final class OnlyAWaiter {
        private static final int WARM_UP = 50_000;

        private OnlyAWaiter() {
        }

        public static void main(String[] arguments) throws InterruptedException {
            // Compiled code, unlike the interpreter, does not keep what it has no use for any more.
            BufferPool another = pool("warm-up");
            for (int i = 0; i < WARM_UP; i++) {
                takeOne(another);
            }
            PooledBuffer[] all = new PooledBuffer[1];
            Thread waiter = new Thread(() -> {
                takeOne(full(all));
                System.out.println("served");
            });
            waiter.start();
            while (waiter.getState() != Thread.State.TIMED_WAITING) {
                Await.pause();
            }
            for (int i = 0; i < 20; i++) {
                System.gc();
                Await.pause();
            }
            all[0].release();
            waiter.join();
        }

        private static BufferPool full(PooledBuffer[] all) {
            BufferPool pool = pool("waited-in");
            all[0] = pool.allocate(64 << 20);
            return pool;
        }

        private static void takeOne(BufferPool pool) {
            try {
                pool.allocate(1000, Duration.ofMinutes(10)).release();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Test
    void theHousekeeperForgetsPoolsThatAreFinished() {
        BufferPool pool = pool("finished");
        PooledBuffer buffer = pool.allocate(100);
        assertTrue(Housekeeper.knows(buffer.core()));
        logged(pool::close);
        Await.pause();
        assertTrue(Housekeeper.knows(buffer.core()), "a buffer is out");
        buffer.release();
        Await.until(() -> !Housekeeper.knows(buffer.core()), () -> "still there");
    }

    @Test
    void theNativePoolIsDestroyedWhenNoBufferCanBeReached() {
        NativePool.Destruction[] destruction = new NativePool.Destruction[1];
        ByteBuffer[] view = {closedPoolsBuffer(destruction)};
        for (int i = 0; i < 5; i++) {
            System.gc();
            Await.pause();
            view[0].put(0, (byte) i);
        }
        assertFalse(destruction[0].done, "it was destroyed under a buffer that can be reached");
        view[0] = null;
        Await.untilCollected(() -> destruction[0].done, () -> "not destroyed");
    }

    private static ByteBuffer closedPoolsBuffer(NativePool.Destruction[] destruction) {
        BufferPool pool = pool("destroyed");
        PooledBuffer released = pool.allocate(100);
        destruction[0] = released.core().nativePool().destruction;
        released.release();
        ByteBuffer view = pool.allocate(1000).byteBuffer();
        logged(pool::close);
        return view;
    }
}
