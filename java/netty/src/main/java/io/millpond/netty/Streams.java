package io.millpond.netty;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/** Between memory and streams, which know arrays only: by a small array, whatever the amount. */
final class Streams {
    private static final int PORTION = 8192;

    private Streams() {
    }

    static void copy(ByteBuffer memory, int index, int count, OutputStream out) throws IOException {
        byte[] portion = new byte[Math.min(count, PORTION)];
        for (int done = 0; done < count;) {
            int some = Math.min(count - done, portion.length);
            memory.get(index + done, portion, 0, some);
            out.write(portion, 0, some);
            done += some;
        }
    }

    /** What one read gives, of {@code count} bytes at most. Returns how many; -1 if the stream had ended. */
    static int copy(InputStream in, ByteBuffer memory, int index, int count) throws IOException {
        byte[] portion = new byte[Math.min(count, PORTION)];
        int read = in.read(portion, 0, portion.length);
        if (read > 0) {
            memory.put(index, portion, 0, read);
        }
        return read;
    }
}
