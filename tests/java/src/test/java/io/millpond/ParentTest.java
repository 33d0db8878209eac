package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Pools under the limit of another pool. */
class ParentTest {
    private static final int SIZE = 1 << 20;

    private static BufferPool pool(String name, int megabytes, BufferPool parent) {
        BufferPool.Builder builder = BufferPool.builder().name(name).maxMemory((long) megabytes << 20).decay(Duration.ofHours(1));
        return parent == null ? builder.build() : builder.parent(parent).build();
    }

    private static List<PooledBuffer> fill(BufferPool pool, int size) {
        List<PooledBuffer> live = new ArrayList<>();
        for (PooledBuffer buffer = pool.tryAllocate(size); buffer != null; buffer = pool.tryAllocate(size)) {
            live.add(buffer);
        }
        return live;
    }

    @Test
    void whatAChildHasCountsInEveryAncestor() {
        try (BufferPool top = pool("top", 32, null); BufferPool middle = pool("middle", 24, top);
            BufferPool other = pool("other", 16, top)) {
            BufferPool child = pool("child", 16, middle);
            PooledBuffer buffer = child.allocate(3 << 20);
            long bytes = child.stats().committedBytes();
            assertTrue(bytes >= 3 << 20);
            assertEquals(bytes, middle.stats().committedBytes());
            assertEquals(bytes, top.stats().committedBytes());
            assertEquals(0, other.stats().committedBytes());
            assertEquals(0, top.stats().liveBuffers());
            buffer.release();
            child.close();
            assertEquals(0, top.stats().committedBytes());
        }
    }

    @Test
    void theExceptionNamesWhoseLimitItWas() {
        try (BufferPool parent = pool("parent", 8, null); BufferPool child = pool("child", 64, parent);
            BufferPool small = pool("small", 4, parent)) {
            List<PooledBuffer> mine = fill(small, SIZE);
            PoolExhaustedException own = assertThrows(PoolExhaustedException.class, () -> small.allocate(SIZE));
            assertEquals("small", own.limitingPool());
            assertFalse(own.getMessage().contains("'parent'"), own::getMessage);

            List<PooledBuffer> live = fill(child, SIZE);
            PoolExhaustedException above = assertThrows(PoolExhaustedException.class, () -> child.allocate(SIZE));
            assertEquals("parent", above.limitingPool());
            assertEquals("child", above.stats().name());
            for (String named : List.of("pool 'child'", "ancestor 'parent'", " " + (8 << 20) + " ")) {
                assertTrue(above.getMessage().contains(named), above::getMessage);
            }
            above = assertThrows(PoolExhaustedException.class, () -> child.allocate(SIZE, Duration.ofMillis(5)));
            assertEquals("parent", above.limitingPool());
            assertTrue(parent.stats().peakCommittedBytes() <= 8 << 20);
            mine.forEach(PooledBuffer::release);
            live.forEach(PooledBuffer::release);
        }
    }

    @Test
    void aRootUsesWhatRestsInItsDescendants() {
        try (BufferPool root = pool("root", 8, null); BufferPool child = pool("child", 8, root);
            BufferPool grandchild = pool("grandchild", 8, child)) {
            for (BufferPool each : List.of(child, grandchild)) {
                List<PooledBuffer> live = new ArrayList<>();
                for (int i = 0; i < 40; i++) {
                    live.add(each.allocate(SIZE / 16));
                }
                live.forEach(PooledBuffer::release);
                assertTrue(each.stats().cachedBytes() > 0);
            }
            root.allocate(7 << 20).release();
            assertEquals(0, child.stats().cachedBytes() + grandchild.stats().cachedBytes());
        }
    }

    @Test
    void whatRestsInTheFamilyIsUsedBeforeItFails() throws InterruptedException {
        try (BufferPool parent = pool("parent", 8, null); BufferPool one = pool("one", 64, parent);
            BufferPool other = pool("other", 64, parent)) {
            CountDownLatch cached = new CountDownLatch(1);
            CountDownLatch done = new CountDownLatch(1);
            // A thread that stays, with much in its magazine, on shelves, and in native caches.
            Thread thread = new Thread(() -> {
                for (int size : new int[] {1000, 16_000, 60_000, SIZE, 3 << 20}) {
                    fill(one, size).forEach(PooledBuffer::release);
                }
                fill(parent, 5000).forEach(PooledBuffer::release);
                cached.countDown();
                try {
                    done.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            thread.start();
            cached.await();
            List<PooledBuffer> live = fill(other, SIZE);
            assertTrue(live.size() >= 7, () -> live.size() + "; " + one.stats() + "; " + parent.stats());
            live.forEach(PooledBuffer::release);
            done.countDown();
            thread.join();
        }
    }

    @Test
    void whoWaitsForTheParentIsServedByASiblingsRelease() throws InterruptedException {
        try (BufferPool parent = pool("parent", 8, null); BufferPool one = pool("one", 64, parent);
            BufferPool other = pool("other", 64, parent)) {
            List<PooledBuffer> live = fill(one, SIZE);
            Thread waiting = new Thread(() -> {
                try {
                    other.allocate(SIZE, Duration.ofHours(1)).release();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            waiting.start();
            Await.until(() -> parent.core().waiting() == 1, parent::stats);
            live.remove(0).release();
            waiting.join();
            assertEquals(1, other.stats().releases());
            live.forEach(PooledBuffer::release);
        }
    }

    @Test
    void aClosedParentLetsItsChildrenGoOnUnderItsLimit() {
        BufferPool parent = pool("parent", 8, null);
        try (BufferPool child = pool("child", 64, parent)) {
            PooledBuffer early = child.allocate(SIZE);
            parent.allocate(100).release();
            parent.close();
            assertThrows(IllegalStateException.class, () -> parent.allocate(100));
            List<PooledBuffer> live = fill(child, SIZE);
            assertTrue(live.size() >= 5, live::toString);
            assertNull(child.tryAllocate(SIZE));
            assertTrue(parent.stats().peakCommittedBytes() <= 8 << 20);
            live.forEach(PooledBuffer::release);
            early.release();
        }
        assertEquals(0, parent.stats().committedBytes());
    }

    @Test
    void aParentThatOnlyItsChildRefersToIsNotForgotten() {
        try (BufferPool child = pool("child", 64, pool("parent", 8, null))) {
            for (int i = 0; i < 5; i++) {
                System.gc();
                Await.pause();
            }
            assertEquals("parent", child.core().ancestor().name());
            assertFalse(child.core().ancestor().isClosed());
            List<PooledBuffer> live = fill(child, SIZE);
            assertTrue(live.size() <= 8);
            live.forEach(PooledBuffer::release);
            child.core().ancestor().close();
        }
    }

    @Test
    void childrenThatWereDroppedAreCollected() {
        try (BufferPool parent = pool("parent", 64, null)) {
            for (int i = 0; i < 20; i++) {
                pool("dropped-" + i, 64, parent).allocate(SIZE);
            }
            Await.untilCollected(() -> parent.stats().committedBytes() == 0, parent::stats);
            assertNotNull(parent.allocate(100));
            parent.trim();
        }
    }
}
