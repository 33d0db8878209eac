package io.millpond.examples;

import io.millpond.examples.netty.HttpFileServer;
import io.millpond.examples.netty.LeakReport;
import io.millpond.examples.netty.SelfSigned;
import io.millpond.netty.MillpondByteBufAllocator;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;

/** An HTTP server on Netty, clients with keep-alive connections, TLS in between, and every file to each of them, in rounds. */
final class HttpTransfer implements Work {
    static final int ROUNDS = 4;

    private static final long LOOK_MILLIS = 50;

    private final List<Content> files;
    private final int connections;
    private final SslProvider provider;
    private final MillpondSource source;
    private final SelfSigned certificate;

    /** The files are all of one directory. The source is this transfer's from now on. */
    HttpTransfer(List<Content> files, int connections, SslProvider provider, MillpondSource source)
            throws IOException, InterruptedException {
        this.files = files;
        this.connections = connections;
        this.provider = provider;
        this.source = source;
        this.certificate = SelfSigned.make();
    }

    @Override
    public BufferSource source() {
        return source;
    }

    @Override
    public long totalBytes() {
        return files.stream().mapToLong(Content::length).sum() * connections * ROUNDS;
    }

    @Override
    public long leaksDetected() throws InterruptedException {
        return LeakReport.of(source.pool()).detected();
    }

    @Override
    public Outcome run(Watcher watcher) throws IOException, InterruptedException {
        long start = System.nanoTime();
        Path root = files.get(0).file().getParent();
        InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        MillpondByteBufAllocator allocator = new MillpondByteBufAllocator(source.pool());
        try (HttpFileServer server = new HttpFileServer(root, address, certificate.server(provider), allocator);
                HttpClients clients = new HttpClients(server.address(), certificate.client(provider), allocator,
                        connections, files, ROUNDS)) {
            while (clients.isRunning() && clients.failure() == null) {
                Thread.sleep(LOOK_MILLIS);
                watcher.look(clients.bytes(), source.usage());
            }
            return outcome(clients, start);
        }
    }

    private Outcome outcome(HttpClients clients, long start) throws IOException {
        if (clients.failure() != null) {
            throw new IOException("a client failed: " + clients.failure(), clients.failure());
        }
        int expected = connections * files.size() * ROUNDS;
        if (clients.hashes() != expected) {
            throw new IOException("only " + clients.hashes() + " of " + expected + " files came to an end");
        }
        return new Outcome(clients.lastFinishedNanos() - start, clients.bytes(), expected, clients.differing());
    }
}
