package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.nio.file.ExtendedOpenOption;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AlignmentTest {
    @ParameterizedTest
    @ValueSource(ints = {64, 128, 512, 1024, 4096})
    void everyBufferIsAligned(int alignment) {
        for (boolean checked : new boolean[] {false, true}) {
            try (BufferPool pool = BufferPool.builder().alignment(alignment).checked(checked).maxMemory(256 << 20).build()) {
                List<PooledBuffer> live = new ArrayList<>();
                for (int size = 1; size < 5 << 20; size += Math.max(1, size / 17)) {
                    for (int i = 0; i < 3; i++) {
                        PooledBuffer buffer = pool.allocate(size);
                        ByteBuffer bytes = buffer.byteBuffer();
                        assertEquals(size, bytes.capacity());
                        assertEquals(0, bytes.alignmentOffset(0, alignment), "size " + size + ", checked " + checked);
                        live.add(buffer);
                    }
                    if (live.size() > 20) {
                        live.forEach(PooledBuffer::release);
                        live.clear();
                    }
                }
                live.forEach(PooledBuffer::release);
                assertEquals(0, pool.stats().usedBytes());
                assertEquals(0, pool.stats().violations());
            }
        }
    }

    @Test
    void directInputTakesThem(@TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("data"), new byte[64 * 1024]);
        try (BufferPool pool = BufferPool.builder().alignment(4096).build();
            FileChannel channel = openDirect(file);
            PooledBuffer buffer = pool.allocate(16 * 1024)) {
            assertEquals(16 * 1024, channel.read(buffer.byteBuffer()));
        }
    }

    private static FileChannel openDirect(Path file) {
        try {
            return FileChannel.open(file, StandardOpenOption.READ, ExtendedOpenOption.DIRECT);
        } catch (java.io.IOException | UnsupportedOperationException e) {
            Assumptions.abort("this file system has no direct I/O: " + e);
            return null;
        }
    }
}
