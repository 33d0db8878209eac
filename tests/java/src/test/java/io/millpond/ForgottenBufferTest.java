package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ForgottenBufferTest {
    private final BufferPool pool =
        BufferPool.builder().name("forgetful").maxMemory(64 << 20).decay(Duration.ofMillis(100)).build();

    @AfterEach
    void close() {
        pool.close();
        assertEquals(0, pool.stats().badFrees());
    }

    private void forget(int size, int count) {
        for (int i = 0; i < count; i++) {
            pool.allocate(size).byteBuffer().put(0, (byte) i);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 1000, 70_000, 1 << 20, 3 << 20})
    void comesBackAndIsCounted(int size) {
        forget(size, 5);
        assertEquals(5, pool.stats().allocations());
        Await.untilCollected(() -> pool.stats().forgottenBuffers() == 5, pool::stats);
        PoolStats stats = pool.stats();
        assertEquals(0, stats.liveBuffers());
        assertEquals(0, stats.usedBytes());
        assertEquals(0, stats.releases());
        forget(size, 1);
        Await.untilCollected(() -> pool.stats().forgottenBuffers() == 6, pool::stats);
    }

    @Test
    void isNotForgottenAsLongAsAViewIsThere() {
        ByteBuffer whole = pool.allocate(1000).byteBuffer();
        ByteBuffer slice = pool.allocate(1000).byteBuffer().slice(10, 20).slice(1, 2).duplicate();
        ByteBuffer readOnly = pool.allocate(1000).byteBuffer().asReadOnlyBuffer();
        var longs = pool.allocate(1024).byteBuffer().asLongBuffer();
        var blocks = new ArrayList<>(List.of(whole, slice, readOnly, longs));
        whole.put(0, (byte) 17);
        longs.put(0, 18);
        for (int i = 0; i < 10; i++) {
            System.gc();
            Await.pause();
        }
        assertEquals(0, pool.stats().forgottenBuffers());
        assertEquals(blocks.size(), pool.stats().liveBuffers());
        // Nobody else gets their blocks.
        List<PooledBuffer> others = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            others.add(pool.allocate(1000));
            others.get(i).byteBuffer().putLong(0, -1);
        }
        assertEquals(17, whole.get(0));
        assertEquals(18, longs.get(0));
        others.forEach(PooledBuffer::release);
        int remaining = blocks.size();
        assertTrue(remaining == 4 && whole.hasRemaining() && slice.hasRemaining() && readOnly.hasRemaining());
    }

    @Test
    void isForgottenWhenTheLastViewIsGone() {
        ByteBuffer[] views = {pool.allocate(1000).byteBuffer().slice(10, 20)};
        System.gc();
        views[0].put(0, (byte) 1);
        views[0] = null;
        Await.untilCollected(() -> pool.stats().forgottenBuffers() == 1, pool::stats);
    }

    @Test
    void aReleasedBufferIsNotForgotten() {
        for (int i = 0; i < 1000; i++) {
            pool.allocate(i * 100).release();
        }
        pool.allocate(3 << 20).release();
        // Drained, parked, dropped, collected: the whole way of a slot.
        Await.untilCollected(() -> pool.stats().committedBytes() == 0, pool::stats);
        for (int i = 0; i < 20; i++) {
            System.gc();
            Await.pause();
        }
        assertEquals(0, pool.stats().forgottenBuffers());
        assertEquals(0, pool.stats().liveBuffers());
    }

    @Test
    void isFoundAlsoInABusyMagazine() {
        forgetOneOfFour();
        untilOneIsFoundByABusyThread();
    }

    @Test
    void isFoundAlsoWhereItWasTheLastOfItsClassInABusyMagazine() {
        forgetTheLast();
        untilOneIsFoundByABusyThread();
    }

    private void untilOneIsFoundByABusyThread() {
        Await.untilCollected(() -> {
            // This thread never rests.
            pool.allocate(5000).release();
            return pool.stats().forgottenBuffers() == 1;
        }, pool::stats);
    }

    /** Leaves the slot in its place in a magazine that has none of this class to spare. */
    private void forgetTheLast() {
        pool.allocate(1 << 20).release();
        pool.allocate(1 << 20);
    }

    /** Leaves the slot in its place in the magazine, above the top. */
    private void forgetOneOfFour() {
        PooledBuffer[] some = new PooledBuffer[4];
        for (int i = 0; i < some.length; i++) {
            some[i] = pool.allocate(300);
        }
        for (PooledBuffer buffer : some) {
            buffer.release();
        }
        pool.allocate(300);
    }

    @Test
    void comesBackAfterThePoolWasClosed() {
        forget(1000, 3);
        PooledBuffer kept = pool.allocate(10);
        kept.release();
        pool.close();
        Await.untilCollected(() -> pool.stats().forgottenBuffers() == 3, pool::stats);
        assertEquals(0, pool.stats().usedBytes());
        assertEquals(0, pool.stats().committedBytes());
    }

    @Test
    void makesRoomAtTheLimit() {
        forget(1 << 20, 40);
        Await.untilCollected(() -> {
            PooledBuffer buffer = pool.tryAllocate(60 << 20);
            if (buffer != null) {
                buffer.release();
            }
            return buffer != null;
        }, pool::stats);
    }
}
