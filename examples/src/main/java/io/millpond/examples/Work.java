package io.millpond.examples;

import java.io.IOException;
import java.io.Serializable;

/** What is done with buffers while the memory of the process is measured: servers, clients, and a source for their buffers. */
interface Work extends AutoCloseable {
    /** Returns where the buffers come from. */
    BufferSource source();

    /** Returns how many bytes all clients together receive in one run. */
    long totalBytes();

    /**
     * Runs it once and returns when all clients are done and all buffers are released.
     *
     * @throws IOException if a connection fails; the message says how
     */
    Outcome run(Watcher watcher) throws IOException, InterruptedException;

    /** Returns how many leaks somebody else than the source has seen. */
    default long leaksDetected() throws InterruptedException {
        return 0;
    }

    /** Closes the source. */
    @Override
    default void close() {
        source().close();
    }

    /** Something that wants to know, a few times a second, how far a run has come. */
    interface Watcher {
        void look(long bytesReceived, BufferSource.Usage usage);
    }

    /**
     * What came of it.
     *
     * @param nanos time from the first request to the last hash
     * @param bytes bytes received by all clients
     * @param hashes hashes that were compared
     * @param differing those of them that were not the expected ones
     */
    record Outcome(long nanos, long bytes, int hashes, int differing) implements Serializable {}
}
