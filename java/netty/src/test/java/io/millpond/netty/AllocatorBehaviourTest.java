package io.millpond.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.millpond.BufferPool;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.util.ByteProcessor;
import io.netty.util.IllegalReferenceCountException;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.concurrent.DefaultEventExecutorGroup;
import io.netty.util.concurrent.EventExecutorGroup;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is this allocator's own: blocks, limits, figures, forgotten buffers. */
class AllocatorBehaviourTest {
    private final ResourceLeakDetector.Level level = ResourceLeakDetector.getLevel();

    @BeforeEach
    void bare() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
    }

    @AfterEach
    void restore() {
        ResourceLeakDetector.setLevel(level);
    }

    @Test
    void growsInPlaceWhileTheBlockHasRoomAndMovesBeyond() {
        try (Pools pools = new Pools()) {
            ByteBuf buffer = pools.buffer(1000).writeLong(42);
            long address = buffer.memoryAddress();
            assertEquals(address, buffer.capacity(1024).memoryAddress());
            assertNotEquals(address, buffer.capacity(5000).memoryAddress());
            assertEquals(42, buffer.getLong(0));
            address = buffer.memoryAddress();
            assertEquals(address, buffer.capacity(4000).memoryAddress(), "not worth a move");
            assertNotEquals(address, buffer.capacity(100).memoryAddress());
            assertEquals(42, buffer.readLong());
            buffer.release();
        }
    }

    /** As Netty's own does, of which the contents are known as well. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void capacityBelowTheIndicesMovesThem(boolean direct) {
        try (Pools pools = new Pools()) {
            Random random = new Random(11);
            int most = 20_000;
            for (int round = 0; round < 500; round++) {
                int first = random.nextInt(most);
                byte[] bytes = new byte[first];
                random.nextBytes(bytes);
                ByteBuf buffer = direct ? pools.buffer(first) : pools.allocator.heapBuffer(first);
                ByteBuf model = Unpooled.buffer(first);
                int reader = random.nextInt(first + 1);
                for (ByteBuf each : List.of(buffer, model)) {
                    each.writeBytes(bytes).readerIndex(reader);
                }
                for (int i = 0; i < 4; i++) {
                    int capacity = random.nextInt(most);
                    for (ByteBuf each : List.of(buffer, model)) {
                        each.capacity(capacity);
                    }
                    assertEquals(model.toString().replaceFirst(".*\\(", ""), buffer.toString().replaceFirst(".*\\(", ""));
                    assertEquals(model, buffer);
                    assertEquals(model.slice(0, model.writerIndex()), buffer.slice(0, buffer.writerIndex()));
                }
                buffer.release();
            }
        }
    }

    @Test
    void zeroingFillsWhatCapacityAdds() {
        try (BufferPool pool = BufferPool.builder().zeroing(true).build()) {
            MillpondByteBufAllocator allocator = new MillpondByteBufAllocator(pool);
            Random random = new Random(12);
            for (int round = 0; round < 300; round++) {
                ByteBuf buffer = allocator.directBuffer(random.nextInt(20_000));
                int kept = 0;
                for (int i = 0; i < 4; i++) {
                    int capacity = buffer.capacity();
                    assertEquals(-1, buffer.forEachByte(kept, capacity - kept, ByteProcessor.FIND_NON_NUL));
                    for (int index = 0; index < capacity; index++) {
                        buffer.setByte(index, 1);
                    }
                    int next = random.nextInt(20_000);
                    buffer.capacity(next);
                    kept = Math.min(capacity, next);
                }
                buffer.release();
            }
        }
    }

    @Test
    void manyMovesMixNothingUp() {
        try (Pools pools = new Pools()) {
            List<ByteBuf> buffers = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                buffers.add(pools.buffer(64).setInt(0, i));
            }
            for (int round = 0; round < 200; round++) {
                int size = 64 + round * 7919 % 20_000;
                for (int i = 0; i < buffers.size(); i++) {
                    ByteBuf buffer = buffers.get(i);
                    assertEquals(i, buffer.capacity(size + i).getInt(0));
                    if (i % 5 == round % 5) {
                        buffer.release();
                        buffers.set(i, pools.buffer(64 + i).setInt(0, i));
                    }
                }
            }
            assertEquals(buffers.size(), buffers.stream().mapToLong(ByteBuf::memoryAddress).distinct().count());
            buffers.forEach(ByteBuf::release);
        }
    }

    @Test
    void hugeBlocksComeAndGo() {
        try (Pools pools = new Pools()) {
            for (int size : new int[] {2 << 20, (2 << 20) + 1, 4 << 20, (4 << 20) + 1, 40_000_000}) {
                ByteBuf buffer = pools.buffer(size);
                buffer.setLong(size - 8, size).setZero(0, size - 8);
                assertEquals(size, buffer.getLong(size - 8));
                assertTrue(pools.allocator.metric().usedDirectMemory() >= size);
                assertTrue(buffer.release());
                assertEquals(0, pools.allocator.metric().usedDirectMemory());
            }
        }
    }

    @Test
    void limitIsAnOutOfMemoryErrorThatSaysWhoHoldsTheMemory() {
        try (Pools pools = new Pools(16 << 20)) {
            List<ByteBuf> held = new ArrayList<>();
            OutOfMemoryError error = assertThrows(OutOfMemoryError.class, () -> {
                while (true) {
                    held.add(pools.buffer(1 << 20));
                }
            });
            assertTrue(error.getMessage().contains("netty-tests"), error.getMessage());
            assertTrue(error.getMessage().contains("live buffers"), error.getMessage());
            ByteBuf small = held.remove(0);
            assertThrows(OutOfMemoryError.class, () -> small.capacity(32 << 20));
            assertEquals(1 << 20, small.capacity(), "a buffer that could not grow is as it was");
            small.release();
            held.forEach(ByteBuf::release);
            pools.buffer(1 << 20).release();
        }
    }

    @Test
    void releasedOnAnotherEventLoop() throws Exception {
        try (Pools pools = new Pools()) {
            EventExecutorGroup loops = new DefaultEventExecutorGroup(2);
            for (int round = 0; round < 200; round++) {
                Future<List<ByteBuf>> made = loops.next().submit(() -> IntStream.range(0, 100)
                        .mapToObj(i -> pools.buffer(1 + i * 97)).toList());
                List<ByteBuf> buffers = made.get();
                loops.next().submit(() -> buffers.forEach(ByteBuf::release)).get();
            }
            loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).get();
        }
    }

    @Test
    void forgottenBuffersComeBackAndAreReported() throws Exception {
        try (Pools pools = new Pools()) {
            for (int i = 0; i < 100; i++) {
                forget(pools, 4096);
            }
            forget(pools, 5 << 20);
            awaitForgotten(pools, 101);
        }
    }

    @Test
    void leakDetectorReportsForgottenBuffers() throws Exception {
        try (Pools pools = new Pools(); Leaks leaks = new Leaks()) {
            ByteBuf released = pools.buffer(100);
            released.release();
            forget(pools, 5000);
            // A magazine refers to what it handed out until the housekeeper has come by.
            while (leaks.reports().isEmpty()) {
                Thread.sleep(50);
            }
            assertEquals(1, leaks.reports().size(), leaks.reports()::toString);
            assertTrue(leaks.reports().get(0).contains("AllocatorBehaviourTest.forget"), leaks.reports()::toString);
            awaitForgotten(pools, 1);
        }
    }

    /** The housekeeper finds them in its own time; JUnit's timeout ends a wait in vain. */
    private static void awaitForgotten(Pools pools, int count) throws InterruptedException {
        while (pools.pool.stats().forgottenBuffers() < count) {
            System.gc();
            Thread.sleep(50);
        }
        assertEquals(count, pools.pool.stats().forgottenBuffers());
    }

    private static void forget(Pools pools, int size) {
        pools.buffer(size).writeInt(1).retainedSlice(0, 2);
    }

    @Test
    void releasedBuffersAreNotAccessible() {
        try (Pools pools = new Pools()) {
            ByteBuf buffer = pools.buffer(100);
            buffer.release();
            assertThrows(IllegalReferenceCountException.class, buffer::release);
            assertThrows(IllegalReferenceCountException.class, () -> buffer.getInt(0));
            assertThrows(IllegalReferenceCountException.class, buffer::memoryAddress);
        }
    }

    /** As documented: the object goes with the block. */
    @Test
    void staleBufferIsTheNextOwners() {
        try (Pools pools = new Pools()) {
            ByteBuf stale = pools.buffer(100);
            stale.release();
            ByteBuf next = pools.buffer(100);
            assertSame(stale, next);
            next.release();
        }
    }

    @Test
    void retainedSlicesShareTheCountOfTheirBuffer() {
        try (Pools pools = new Pools()) {
            ByteBuf buffer = pools.buffer(100).writeLong(42);
            ByteBuf slice = buffer.retainedSlice();
            ByteBuf duplicate = slice.retainedDuplicate();
            assertEquals(3, buffer.refCnt());
            buffer.release();
            duplicate.release();
            assertEquals(1, buffer.refCnt());
            assertEquals(42, slice.getLong(0));
            slice.release();
            assertEquals(0, duplicate.refCnt());
        }
    }

    @Test
    void buffersOfTwoAllocatorsOverOnePoolKnowTheirOwn() {
        try (Pools pools = new Pools()) {
            MillpondByteBufAllocator other = new MillpondByteBufAllocator(pools.pool);
            pools.buffer(100).release();
            ByteBuf buffer = other.directBuffer(100, 200);
            assertSame(other, buffer.alloc());
            assertEquals(200, buffer.maxCapacity());
            buffer.release();
        }
    }

    @Test
    void defaultIsOverTheSharedPool() {
        assertSame(MillpondByteBufAllocator.DEFAULT, MillpondByteBufAllocator.orElse(PooledByteBufAllocator.DEFAULT));
        assertEquals("shared", MillpondByteBufAllocator.DEFAULT.pool().stats().name());
        ByteBufAllocator allocator = MillpondByteBufAllocator.DEFAULT;
        assertTrue(allocator.isDirectBufferPooled());
        ByteBuf buffer = allocator.ioBuffer();
        assertTrue(buffer.isDirect());
        buffer.release();
    }

    @Test
    void aBufferCostsNoGarbage() {
        try (Pools pools = new Pools()) {
            var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
            for (int i = 0; i < 50_000; i++) {
                pools.buffer(1024).release();
            }
            // The best of some rounds: a thread that stood still for the decay time begins with an empty magazine.
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 5; round++) {
                long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
                for (int i = 0; i < 100_000; i++) {
                    pools.buffer(1024).release();
                }
                least = Math.min(least, threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before);
            }
            long bytes = least;
            assertTrue(bytes < 100_000, () -> bytes + " bytes for 100 000 buffers of " + pools.pool + " " + pools.pool.stats());
        }
    }
}
