package io.millpond;

import java.nio.ByteBuffer;

/** Fills buffers with zeros. */
final class Zeros {
    private static final byte[] BLOCK = new byte[16 * 1024];

    private Zeros() {
    }

    /** Writes zeros from 0 to the capacity, and leaves the position alone. */
    static void fill(ByteBuffer buffer) {
        int capacity = buffer.capacity();
        for (int at = 0; at < capacity; at += BLOCK.length) {
            buffer.put(at, BLOCK, 0, Math.min(BLOCK.length, capacity - at));
        }
    }
}
