package io.millpond.examples;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Serves ranges of one file from one thread, on a port of the loopback address that the system chooses. */
final class FileServer implements AutoCloseable {
    private final FileChannel file;
    private final ServerSocketChannel listener;
    private final BufferSource source;
    private final EventLoop loop;
    private long connections;

    FileServer(Path path, BufferSource source) throws IOException {
        this.source = source;
        file = FileChannel.open(path, StandardOpenOption.READ);
        listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        loop = new EventLoop("file-server");
        loop.register(listener, SelectionKey.OP_ACCEPT, new Acceptor());
    }

    InetSocketAddress address() throws IOException {
        return (InetSocketAddress) listener.getLocalAddress();
    }

    void start() {
        loop.start();
    }

    Throwable failure() {
        return loop.failure();
    }

    @Override
    public void close() throws IOException {
        loop.close();
        listener.close();
        file.close();
    }

    private final class Acceptor implements EventLoop.Endpoint {
        @Override
        public boolean ready(SelectionKey key) throws IOException {
            SocketChannel accepted = listener.accept();
            if (accepted != null) {
                ServerConnection connection = new ServerConnection(accepted, file, source, new SizeMix(connections++));
                loop.register(accepted, SelectionKey.OP_READ, connection);
            }
            return true;
        }

        @Override
        public void close() throws IOException {
            listener.close();
        }
    }
}
