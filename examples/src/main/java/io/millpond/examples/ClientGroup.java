package io.millpond.examples;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** All the clients, spread over a few event loops, and what they have received so far. */
final class ClientGroup implements AutoCloseable {
    private static final int LOOPS = 2;

    private final byte[] expectedHash;
    private final List<EventLoop> loops = new ArrayList<>();
    private final LongAdder bytes = new LongAdder();
    private final AtomicInteger matching = new AtomicInteger();
    private final AtomicInteger differing = new AtomicInteger();
    private volatile long lastFinishedNanos;

    ClientGroup(InetSocketAddress server, Content content, int clients, BufferSource source) throws IOException {
        expectedHash = content.sha256();
        for (int i = 0; i < LOOPS; i++) {
            loops.add(new EventLoop("clients-" + i));
        }
        for (int i = 0; i < clients; i++) {
            SocketChannel socket = SocketChannel.open(server);
            ClientConnection client = new ClientConnection(socket, content.length(), source, new SizeMix(~i), this);
            loops.get(i % LOOPS).register(socket, SelectionKey.OP_WRITE, client);
        }
    }

    void start() {
        loops.forEach(EventLoop::start);
    }

    boolean isRunning() {
        return loops.stream().anyMatch(EventLoop::isRunning);
    }

    Throwable failure() {
        return loops.stream().map(EventLoop::failure).filter(Objects::nonNull).findFirst().orElse(null);
    }

    /** Called by a client for what it has just read. */
    void received(int count) {
        bytes.add(count);
    }

    /** Called by a client that has received everything. */
    void finished(byte[] hash) {
        lastFinishedNanos = System.nanoTime();
        (MessageDigest.isEqual(expectedHash, hash) ? matching : differing).incrementAndGet();
    }

    long bytes() {
        return bytes.sum();
    }

    /** Returns {@link System#nanoTime()} of when the last client was done. */
    long lastFinishedNanos() {
        return lastFinishedNanos;
    }

    int matching() {
        return matching.get();
    }

    int differing() {
        return differing.get();
    }

    @Override
    public void close() throws IOException {
        for (EventLoop loop : loops) {
            loop.close();
        }
    }
}
