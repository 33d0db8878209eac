package io.millpond.examples;

import java.io.IOException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;

/**
 * One thread that serves channels as they become ready. It ends when its last endpoint has closed, when it is stopped, or at
 * the first failure, and closes every endpoint on its way out, so that no buffer stays behind.
 *
 * <p>Threading: {@link #register} before {@link #start()} or from the loop's own thread; the rest from any thread.
 */
final class EventLoop implements AutoCloseable {
    private final Selector selector;
    private final Thread thread;
    private volatile boolean stopping;
    private volatile Throwable failure;
    private int endpoints;

    /** Something with a channel. */
    interface Endpoint {
        /** Does what the channel is ready for, without blocking; returns false when there is no more to do. */
        boolean ready(SelectionKey key) throws IOException;

        /** Closes the channel and releases every buffer still held. */
        void close() throws IOException;
    }

    EventLoop(String name) throws IOException {
        selector = Selector.open();
        thread = new Thread(this::run, name);
        thread.setDaemon(true);
    }

    SelectionKey register(SelectableChannel channel, int operations, Endpoint endpoint) throws IOException {
        channel.configureBlocking(false);
        SelectionKey key = channel.register(selector, operations, endpoint);
        endpoints++;
        return key;
    }

    void start() {
        thread.start();
    }

    boolean isRunning() {
        return thread.isAlive();
    }

    /** Returns what ended this loop before its time, or null. */
    Throwable failure() {
        return failure;
    }

    /** Stops the loop and waits until its endpoints are closed. */
    @Override
    public void close() throws IOException {
        stopping = true;
        selector.wakeup();
        try {
            if (thread.getState() == Thread.State.NEW) {
                closeEndpoints();
            } else {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!thread.isAlive()) {
            selector.close();
        }
    }

    private void run() {
        try {
            while (!stopping && endpoints > 0) {
                selector.select(this::serve);
            }
        } catch (Throwable e) {
            fail(e);
        } finally {
            closeEndpoints();
        }
    }

    private void serve(SelectionKey key) {
        Endpoint endpoint = (Endpoint) key.attachment();
        try {
            if (!endpoint.ready(key)) {
                endpoints--;
                endpoint.close();
            }
        } catch (Throwable e) {
            fail(e);
        }
    }

    private void closeEndpoints() {
        for (SelectionKey key : selector.keys()) {
            if (key.isValid()) {
                try {
                    ((Endpoint) key.attachment()).close();
                } catch (IOException | RuntimeException e) {
                    fail(e);
                }
            }
        }
    }

    private void fail(Throwable cause) {
        if (failure == null) {
            failure = cause;
        } else if (failure != cause) {
            failure.addSuppressed(cause);
        }
        stopping = true;
    }
}
