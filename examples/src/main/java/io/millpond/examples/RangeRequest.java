package io.millpond.examples;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * What a client sends: a magic number, then the first byte and the number of bytes it wants. The reply is those bytes and
 * nothing else, in the order of the requests.
 *
 * @param offset first byte of the file to send
 * @param length number of bytes to send
 */
record RangeRequest(long offset, int length) {
    /** Bytes of a request on the wire. */
    static final int BYTES = Integer.BYTES + Long.BYTES + Integer.BYTES;

    private static final int MAGIC = 0x4d504e44;

    void encode(ByteBuffer into) {
        into.putInt(MAGIC).putLong(offset).putInt(length);
    }

    /**
     * Decodes one request.
     *
     * @throws IOException if the bytes are not a request for a range inside a file of {@code fileLength} bytes
     */
    static RangeRequest decode(ByteBuffer from, long fileLength) throws IOException {
        int magic = from.getInt();
        if (magic != MAGIC) {
            throw new IOException(String.format("not a range request: it starts with %08x and not %08x", magic, MAGIC));
        }
        long offset = from.getLong();
        int length = from.getInt();
        if (offset < 0 || length <= 0 || offset > fileLength - length) {
            throw new IOException(
                    "a request for " + length + " bytes from " + offset + " on is outside the file of " + fileLength + " bytes");
        }
        return new RangeRequest(offset, length);
    }
}
