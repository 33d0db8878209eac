package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class BufferPoolBuilderTest {
    private final BufferPool.Builder builder = BufferPool.builder();

    private static void refuses(Class<? extends Exception> type, Executable option, String... named) {
        String message = assertThrows(type, option).getMessage();
        for (String each : named) {
            assertTrue(message.contains(each), () -> "'" + message + "' should name " + each);
        }
    }

    @Test
    void nullsAreRefused() {
        refuses(NullPointerException.class, () -> builder.name(null), "name", "null", "default");
        refuses(NullPointerException.class, () -> builder.decay(null), "decay", "null", "default");
        refuses(NullPointerException.class, () -> builder.parent(null), "parent", "null", "none");
    }

    @Test
    void namesHaveALength() {
        refuses(IllegalArgumentException.class, () -> builder.name(""), "name", "0 bytes", "1 to 64", "choose");
        refuses(IllegalArgumentException.class, () -> builder.name("é".repeat(33)), "66 bytes", "64");
        try (BufferPool pool = builder.name("é".repeat(32)).build()) {
            assertEquals("é".repeat(32), pool.stats().name());
        }
    }

    @Test
    void memoryHasALowerBound() {
        refuses(IllegalArgumentException.class, () -> builder.maxMemory(65535), "maxMemory", "65535", "65536", "give the pool");
        refuses(IllegalArgumentException.class, () -> builder.maxMemory(0), "maxMemory is 0");
        refuses(IllegalArgumentException.class, () -> builder.maxMemory(Long.MIN_VALUE), "maxMemory", "-9223372036854775808");
        try (BufferPool pool = builder.maxMemory(65536).build()) {
            assertEquals(65536, pool.stats().limitBytes());
        }
        try (BufferPool pool = builder.maxMemory(Long.MAX_VALUE).build()) {
            assertEquals(Long.MAX_VALUE, pool.stats().limitBytes());
        }
    }

    @Test
    void decayIsUpToAnHour() {
        refuses(IllegalArgumentException.class, () -> builder.decay(Duration.ofNanos(-1)), "decay", "PT-0.000000001S", "PT1H");
        refuses(IllegalArgumentException.class, () -> builder.decay(Duration.ofSeconds(3601)), "PT1H1S", "longest");
        builder.decay(Duration.ZERO).build().close();
        builder.decay(Duration.ofHours(1)).build().close();
    }

    @Test
    void threadCachesHaveBounds() {
        refuses(IllegalArgumentException.class, () -> builder.threadCacheBytes(-1), "threadCacheBytes is -1", "67108864");
        refuses(IllegalArgumentException.class, () -> builder.threadCacheBytes((64 << 20) + 1), "67108865");
        for (long bytes : new long[] {0, 1, 64 << 20}) {
            try (BufferPool pool = builder.threadCacheBytes(bytes).build()) {
                pool.allocate(100).release();
                assertTrue(pool.stats().magazineBytes() + pool.stats().threadCacheBytes() <= bytes);
            }
        }
    }

    @Test
    void alignmentsArePowersOfTwoUpToAPage() {
        for (int bytes : new int[] {Integer.MIN_VALUE, -64, 0, 1, 32, 63, 96, 4095, 8192, Integer.MAX_VALUE}) {
            refuses(IllegalArgumentException.class, () -> builder.alignment(bytes), "alignment is " + bytes, "64", "4096");
        }
        for (int bytes = 64; bytes <= 4096; bytes *= 2) {
            builder.alignment(bytes);
        }
    }

    @Test
    void aClosedPoolIsNoParent() {
        BufferPool closed = BufferPool.builder().name("former").build();
        closed.close();
        refuses(IllegalStateException.class, () -> builder.parent(closed).build(), "'former'", "closed");
    }

    @Test
    void defaultsAreThere() {
        try (BufferPool one = BufferPool.builder().build(); BufferPool other = BufferPool.builder().build()) {
            assertTrue(one.stats().name().startsWith("pool-"));
            assertTrue(!one.stats().name().equals(other.stats().name()));
            assertEquals(Runtime.getRuntime().maxMemory(), one.stats().limitBytes());
        }
    }
}
