package io.millpond.examples;

import io.millpond.examples.BufferSource.Lease;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Queue;

/**
 * The server's end of a connection. Requests are read into small buffers; the file is read ahead into a few buffers of mixed
 * sizes, which one gathering write hands to the socket, and each is released as soon as its last byte has left.
 */
final class ServerConnection implements EventLoop.Endpoint {
    private static final int REQUEST_BUFFER = 1 << 10;
    private static final int READ_AHEAD_BUFFERS = 8;

    /** Writes before other connections get their turn. */
    private static final int WRITES_A_TURN = 4;

    private final SocketChannel socket;
    private final FileChannel file;
    private final long fileLength;
    private final BufferSource source;
    private final SizeMix sizes;
    private final Queue<RangeRequest> requests = new ArrayDeque<>();
    private final ArrayDeque<Lease> outgoing = new ArrayDeque<>();
    private final ByteBuffer[] gather = new ByteBuffer[READ_AHEAD_BUFFERS];

    /** Holds the start of a request whose end has not arrived; mostly null. */
    private Lease incoming;

    private long nextByte;
    private long endOfRange;

    ServerConnection(SocketChannel socket, FileChannel file, BufferSource source, SizeMix sizes) throws IOException {
        this.socket = socket;
        this.file = file;
        this.fileLength = file.size();
        this.source = source;
        this.sizes = sizes;
    }

    @Override
    public boolean ready(SelectionKey key) throws IOException {
        if (key.isReadable() && !readRequests()) {
            return false;
        }
        boolean allSent = writeReplies();
        key.interestOps(allSent ? SelectionKey.OP_READ : SelectionKey.OP_READ | SelectionKey.OP_WRITE);
        return true;
    }

    @Override
    public void close() throws IOException {
        if (incoming != null) {
            incoming.release();
            incoming = null;
        }
        outgoing.forEach(Lease::release);
        outgoing.clear();
        socket.close();
    }

    /** Returns false at the end of the stream. */
    private boolean readRequests() throws IOException {
        if (incoming == null) {
            incoming = source.take(REQUEST_BUFFER);
        }
        ByteBuffer buffer = incoming.buffer();
        if (socket.read(buffer) < 0) {
            return false;
        }
        buffer.flip();
        while (buffer.remaining() >= RangeRequest.BYTES) {
            requests.add(RangeRequest.decode(buffer, fileLength));
        }
        if (buffer.hasRemaining()) {
            buffer.compact();
        } else {
            incoming.release();
            incoming = null;
        }
        return true;
    }

    /** Returns true if all that was asked for has been sent. */
    private boolean writeReplies() throws IOException {
        for (int turn = 0; turn < WRITES_A_TURN; turn++) {
            readAhead();
            if (outgoing.isEmpty()) {
                return true;
            }
            int count = 0;
            for (Iterator<Lease> leases = outgoing.iterator(); leases.hasNext(); count++) {
                gather[count] = leases.next().buffer();
            }
            socket.write(gather, 0, count);
            releaseSent();
            if (!outgoing.isEmpty()) {
                return false;
            }
        }
        return false;
    }

    private void readAhead() throws IOException {
        while (outgoing.size() < READ_AHEAD_BUFFERS && hasRange()) {
            int size = (int) Math.min(sizes.next(), endOfRange - nextByte);
            Lease lease = source.take(size);
            outgoing.add(lease);
            ByteBuffer buffer = lease.buffer();
            while (buffer.hasRemaining()) {
                int read = file.read(buffer, nextByte);
                if (read < 0) {
                    throw new EOFException("the file became shorter than " + fileLength + " bytes while it was served");
                }
                nextByte += read;
            }
            buffer.flip();
        }
    }

    private boolean hasRange() {
        if (nextByte == endOfRange) {
            RangeRequest request = requests.poll();
            if (request == null) {
                return false;
            }
            nextByte = request.offset();
            endOfRange = request.offset() + request.length();
        }
        return true;
    }

    private void releaseSent() {
        while (!outgoing.isEmpty() && !outgoing.peek().buffer().hasRemaining()) {
            outgoing.poll().release();
        }
    }
}
