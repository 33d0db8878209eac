package io.millpond.examples;

import java.io.IOException;
import java.io.Serializable;
import java.time.Duration;

/** One run of the work: a server, its clients, and every byte of the content to each of them. */
final class Transfer {
    private static final long LOOK_MILLIS = 50;

    private final Content content;
    private final int clients;
    private final BufferSource source;

    Transfer(Content content, int clients, BufferSource source) {
        this.content = content;
        this.clients = clients;
        this.source = source;
    }

    /** Something that wants to know, a few times a second, how far a transfer has come. */
    interface Watcher {
        void look(long bytesReceived, BufferSource.Usage usage);
    }

    /**
     * What came of it.
     *
     * @param nanos time from the first request to the last hash
     * @param bytes bytes received by all clients
     * @param differing clients whose hash was not the expected one
     */
    record Outcome(long nanos, long bytes, int differing) implements Serializable {}

    /**
     * Runs the transfer and returns when all clients are done and all buffers are released.
     *
     * @throws IOException if a connection fails or the deadline passes; the message says what
     */
    Outcome run(Duration deadline, Watcher watcher) throws IOException, InterruptedException {
        long start = System.nanoTime();
        try (FileServer server = new FileServer(content.file(), source)) {
            server.start();
            try (ClientGroup group = new ClientGroup(server.address(), content, clients, source)) {
                group.start();
                while (group.isRunning()) {
                    Thread.sleep(LOOK_MILLIS);
                    watcher.look(group.bytes(), source.usage());
                    failIfBroken(group.failure(), server.failure());
                    if (System.nanoTime() - start > deadline.toNanos()) {
                        throw new IOException(late(deadline, group.bytes()));
                    }
                }
                failIfBroken(group.failure(), server.failure());
                int done = group.matching() + group.differing();
                if (done != clients) {
                    throw new IOException("only " + done + " of " + clients + " clients came to an end");
                }
                return new Outcome(group.lastFinishedNanos() - start, group.bytes(), group.differing());
            }
        }
    }

    private String late(Duration deadline, long bytes) {
        return "after " + deadline.toSeconds() + " s only " + Amount.bytes(bytes) + " of "
                + Amount.bytes(content.length() * clients) + " had arrived; a smaller FILE takes less time";
    }

    private static void failIfBroken(Throwable inClients, Throwable inServer) throws IOException {
        if (inClients != null || inServer != null) {
            // A server that dies resets its clients, and the other way round: whoever did not see a lost connection is the cause.
            Throwable cause = inClients == null || (inServer != null && inClients instanceof IOException) ? inServer : inClients;
            throw new IOException((cause == inServer ? "the server failed: " : "a client failed: ") + cause, cause);
        }
    }
}
