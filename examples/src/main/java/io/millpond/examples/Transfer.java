package io.millpond.examples;

import java.io.IOException;

/** A server, its clients, and every byte of the content to each of them. */
final class Transfer implements Work {
    private static final long LOOK_MILLIS = 50;

    private final Content content;
    private final int clients;
    private final BufferSource source;

    /** The source is this transfer's from now on. */
    Transfer(Content content, int clients, BufferSource source) {
        this.content = content;
        this.clients = clients;
        this.source = source;
    }

    @Override
    public BufferSource source() {
        return source;
    }

    @Override
    public long totalBytes() {
        return content.length() * clients;
    }

    @Override
    public Outcome run(Watcher watcher) throws IOException, InterruptedException {
        long start = System.nanoTime();
        try (FileServer server = new FileServer(content.file(), source)) {
            server.start();
            try (ClientGroup group = new ClientGroup(server.address(), content, clients, source)) {
                group.start();
                while (group.isRunning()) {
                    Thread.sleep(LOOK_MILLIS);
                    watcher.look(group.bytes(), source.usage());
                    failIfBroken(group.failure(), server.failure());
                }
                failIfBroken(group.failure(), server.failure());
                int done = group.matching() + group.differing();
                if (done != clients) {
                    throw new IOException("only " + done + " of " + clients + " clients came to an end");
                }
                return new Outcome(group.lastFinishedNanos() - start, group.bytes(), done, group.differing());
            }
        }
    }

    private static void failIfBroken(Throwable inClients, Throwable inServer) throws IOException {
        if (inClients != null || inServer != null) {
            // A server that dies resets its clients, and the other way round: whoever did not see a lost connection is the cause.
            Throwable cause = inClients == null || (inServer != null && inClients instanceof IOException) ? inServer : inClients;
            throw new IOException((cause == inServer ? "the server failed: " : "a client failed: ") + cause, cause);
        }
    }
}
