package io.millpond.examples;

import io.millpond.examples.BufferSource.Lease;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.security.MessageDigest;

/**
 * A client that fetches the file range by range, two ranges ahead of what it has received, and hashes it on the way. Each
 * buffer is filled, hashed and released.
 */
final class ClientConnection implements EventLoop.Endpoint {
    private static final long RANGE = 4 << 20;
    private static final int RANGES_AHEAD = 2;
    private static final int REQUEST_BUFFER = 1 << 10;

    /** Reads before other connections get their turn. */
    private static final int READS_A_TURN = 8;

    private final SocketChannel socket;
    private final long length;
    private final BufferSource source;
    private final SizeMix sizes;
    private final MessageDigest digest = Content.newSha256();
    private final ClientGroup group;

    private Lease request;
    private Lease incoming;
    private long requested;
    private long received;

    ClientConnection(SocketChannel socket, long length, BufferSource source, SizeMix sizes, ClientGroup group) {
        this.socket = socket;
        this.length = length;
        this.source = source;
        this.sizes = sizes;
        this.group = group;
    }

    @Override
    public boolean ready(SelectionKey key) throws IOException {
        if (key.isReadable()) {
            receive();
        }
        if (received == length) {
            group.finished(digest.digest());
            return false;
        }
        boolean allSent = sendRequests();
        key.interestOps(allSent ? SelectionKey.OP_READ : SelectionKey.OP_READ | SelectionKey.OP_WRITE);
        return true;
    }

    @Override
    public void close() throws IOException {
        if (request != null) {
            request.release();
            request = null;
        }
        if (incoming != null) {
            incoming.release();
            incoming = null;
        }
        socket.close();
    }

    private void receive() throws IOException {
        for (int turn = 0; turn < READS_A_TURN && received < length; turn++) {
            if (incoming == null) {
                incoming = source.take((int) Math.min(sizes.next(), length - received));
            }
            ByteBuffer buffer = incoming.buffer();
            int read = socket.read(buffer);
            if (read < 0) {
                throw new EOFException("the server closed the connection after " + received + " of " + length + " bytes");
            }
            received += read;
            group.received(read);
            if (buffer.hasRemaining()) {
                return;
            }
            buffer.flip();
            digest.update(buffer);
            incoming.release();
            incoming = null;
        }
    }

    /** Returns true if all that had to be asked has been sent. */
    private boolean sendRequests() throws IOException {
        if (request == null) {
            if (!wantsMore()) {
                return true;
            }
            request = source.take(REQUEST_BUFFER);
            encodeRequests(request.buffer());
        }
        ByteBuffer buffer = request.buffer();
        socket.write(buffer);
        if (buffer.hasRemaining()) {
            return false;
        }
        request.release();
        request = null;
        return true;
    }

    private boolean wantsMore() {
        return requested < length && requested - received <= (RANGES_AHEAD - 1) * RANGE;
    }

    private void encodeRequests(ByteBuffer buffer) {
        while (wantsMore()) {
            RangeRequest range = new RangeRequest(requested, (int) Math.min(RANGE, length - requested));
            range.encode(buffer);
            requested += range.length();
        }
        buffer.flip();
    }
}
