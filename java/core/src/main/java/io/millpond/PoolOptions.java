package io.millpond;

import java.time.Duration;

/** What a {@link BufferPool.Builder} was told, checked and complete. */
record PoolOptions(String name, long maxMemory, Duration decay, long threadCacheBytes, boolean zeroing, int alignment,
        boolean checked, BufferPool parent) {
}
