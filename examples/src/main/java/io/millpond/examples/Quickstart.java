package io.millpond.examples;

import io.millpond.BufferPool;
import io.millpond.PooledBuffer;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** Reads the start of a file into a pooled buffer. */
public final class Quickstart {
    private Quickstart() {}

    /**
     * Prints how many bytes the first read of a file brings.
     *
     * @param args the file
     * @throws IOException if the file cannot be read
     */
    public static void main(String[] args) throws IOException {
        try (BufferPool pool = BufferPool.builder().name("ingest").maxMemory(64 << 20).build();
                FileChannel channel = FileChannel.open(Path.of(args[0]))) {
            PooledBuffer buffer = pool.allocate(16 * 1024);
            try {
                System.out.println(channel.read(buffer.byteBuffer()) + " bytes");
            } finally {
                buffer.release();
            }
            System.out.println(pool.stats());
        }
    }
}
