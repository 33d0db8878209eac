package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Checked mode: who misuses memory is told, with the places where it happened. */
class CheckedTest {
    private final BufferPool pool =
        BufferPool.builder().name("checked").checked(true).maxMemory(128 << 20).decay(Duration.ofMillis(50)).build();
    private final List<LogRecord> logged = new ArrayList<>();
    private final Logger logger = Logger.getLogger("io.millpond");
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord record) {
            synchronized (logged) {
                logged.add(record);
            }
        }

        @Override
        public void flush() {
        }

        @Override
        public void close() {
        }
    };

    @BeforeEach
    void listen() {
        logger.setUseParentHandlers(false);
        logger.addHandler(handler);
    }

    @AfterEach
    void close() {
        pool.close();
        logger.removeHandler(handler);
        logger.setUseParentHandlers(true);
        assertEquals(0, pool.stats().badFrees());
        assertEquals(0, pool.stats().usedBytes());
    }

    private List<LogRecord> errors() {
        synchronized (logged) {
            return logged.stream().filter(record -> record.getLevel() == Level.SEVERE).toList();
        }
    }

    private static boolean passes(Throwable site, String method) {
        return Arrays.stream(site.getStackTrace()).anyMatch(frame -> frame.getMethodName().equals(method));
    }

    private PooledBuffer allocatedHere(int size) {
        return pool.allocate(size);
    }

    private static void releasedHere(PooledBuffer buffer) {
        buffer.release();
    }

    @Test
    void ordinaryUseIsNoMisuse() throws InterruptedException {
        Threads.run(4, index -> {
            for (int i = 0; i < 300; i++) {
                PooledBuffer one = pool.allocate(i * 97);
                PooledBuffer other = pool.allocate(i % 50 == 0 ? 3 << 20 : 4096 + index);
                for (PooledBuffer buffer : new PooledBuffer[] {one, other}) {
                    ByteBuffer bytes = buffer.byteBuffer();
                    while (bytes.hasRemaining()) {
                        bytes.put((byte) index);
                    }
                    assertTrue(bytes.capacity() == 0 || bytes.get(0) == index);
                }
                other.release();
                one.release();
            }
        });
        pool.trim();
        PoolStats stats = pool.stats();
        assertEquals(2400, stats.allocations());
        assertEquals(2400, stats.releases());
        assertEquals(0, stats.violations());
        assertEquals(0, stats.quarantinedBytes());
        assertTrue(errors().isEmpty());
    }

    @Test
    void aWriteAfterTheReleaseIsReportedWithBothPlaces() {
        for (int size : new int[] {100, 5000, 100_000, 1 << 20}) {
            synchronized (logged) {
                logged.clear();
            }
            PooledBuffer buffer = allocatedHere(size);
            ByteBuffer stale = buffer.byteBuffer();
            releasedHere(buffer);
            assertTrue(pool.stats().quarantinedBytes() >= size);
            long before = pool.stats().violations();
            stale.put(size - 7, (byte) 1);
            pool.trim();
            assertEquals(before + 1, pool.stats().violations());
            // It may be the housekeeper who found it, and has not said so yet.
            Await.until(() -> !errors().isEmpty(), pool::stats);
            LogRecord error = errors().get(0);
            assertTrue(error.getMessage().contains("'checked'") && error.getMessage().contains(size + " bytes")
                && error.getMessage().contains("after its release, at offset " + (size - 7)), error::getMessage);
            assertTrue(passes(error.getThrown(), "releasedHere"));
            assertTrue(passes(error.getThrown().getCause(), "allocatedHere"));
            assertTrue(error.getThrown().getMessage().contains(Thread.currentThread().getName()));
        }
    }

    @Test
    void theHousekeeperAndClosingReportToo() {
        PooledBuffer buffer = allocatedHere(100);
        ByteBuffer stale = buffer.byteBuffer();
        releasedHere(buffer);
        stale.put(0, (byte) 1);
        pool.close();
        Await.until(() -> !errors().isEmpty(), pool::stats);
        assertEquals(1, errors().size());
        assertNotNull(errors().get(0).getThrown());
    }

    @Test
    void whatIsInQuarantineIsNotHandedOut() {
        PooledBuffer first = pool.allocate(100);
        first.byteBuffer().putLong(0, 42);
        ByteBuffer stale = first.byteBuffer();
        first.release();
        assertEquals(0xdededede, stale.getInt(0));
        for (int i = 0; i < 1000; i++) {
            pool.allocate(100).release();
        }
        assertEquals(0xdededede, stale.getInt(0));
    }

    @Test
    void aSecondReleaseShowsBothPlaces() {
        PooledBuffer buffer = allocatedHere(100);
        releasedHere(buffer);
        IllegalStateException e = assertThrows(IllegalStateException.class, buffer::release);
        assertTrue(passes(e, "aSecondReleaseShowsBothPlaces"));
        assertTrue(passes(e.getCause(), "releasedHere"));
        assertTrue(passes(e.getCause().getCause(), "allocatedHere"));
        e = assertThrows(IllegalStateException.class, buffer::byteBuffer);
        assertTrue(passes(e.getCause(), "releasedHere"));
        assertEquals(1, pool.stats().releases());
    }

    @Test
    void aForgottenBufferIsReportedWithItsPlace() {
        allocatedHere(1000).byteBuffer().put(0, (byte) 1);
        Await.untilCollected(() -> pool.stats().forgottenBuffers() == 1, pool::stats);
        // Once it is counted; among the messages may be what the housekeeper says of another test's pools.
        Await.until(() -> {
            synchronized (logged) {
                return logged.stream().anyMatch(record -> record.getMessage().contains("dropped without a release")
                    && passes(record.getThrown(), "allocatedHere"));
            }
        }, () -> logged);
    }

    @Test
    void theLimitHoldsAndQuarantineGivesWay() {
        try (BufferPool small = BufferPool.builder().checked(true).maxMemory(8 << 20).build()) {
            for (int i = 0; i < 100; i++) {
                small.allocate(1 << 20).release();
            }
            List<PooledBuffer> live = new ArrayList<>();
            for (PooledBuffer buffer = small.tryAllocate(1 << 20); buffer != null; buffer = small.tryAllocate(1 << 20)) {
                live.add(buffer);
            }
            assertTrue(live.size() >= 5, live::toString);
            assertThrows(PoolExhaustedException.class, () -> small.allocate(1 << 20));
            live.forEach(PooledBuffer::release);
        }
    }

    @Test
    void zeroingAndClosingAreAsElsewhere() {
        try (BufferPool zeroing = BufferPool.builder().checked(true).zeroing(true).build()) {
            assertEquals(0, zeroing.allocate(100).byteBuffer().getLong(8));
        }
        assertEquals(0, pool.allocateZeroed(100).byteBuffer().getLong(8));
        pool.close();
        assertThrows(IllegalStateException.class, () -> pool.allocate(1));
        Await.untilCollected(() -> pool.stats().liveBuffers() == 0, pool::stats);
    }

    @Test
    void thePropertyIsTheDefault() throws Exception {
        ForkedJvm forked = ForkedJvm.run(ForkedJvm.withLibrary("-Dio.millpond.checked=true"), Main.class);
        assertEquals(0, forked.exitStatus, forked::toString);
        assertTrue(forked.output.contains("written to after its release, at offset 0")
            && forked.output.contains("released here, by thread 'main'"), forked::toString);
        try (BufferPool other = BufferPool.builder().build()) {
            PooledBuffer buffer = other.allocate(1);
            buffer.release();
            assertNull(assertThrows(IllegalStateException.class, buffer::release).getCause());
        }
    }

    /** For the JVM with the property. */
    static final class Main {
        private Main() {
        }

        public static void main(String[] arguments) {
            PooledBuffer buffer = BufferPool.shared().allocate(100);
            ByteBuffer stale = buffer.byteBuffer();
            buffer.release();
            stale.put(0, (byte) 1);
            BufferPool.shared().trim();
        }
    }
}
