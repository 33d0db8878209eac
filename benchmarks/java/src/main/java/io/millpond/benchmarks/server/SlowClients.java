package io.millpond.benchmarks.server;

import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.ArrayDeque;
import java.util.Deque;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/**
 * Many connections at once that each ask for a large file, do not read it, and are gone a moment later: what the kernel does
 * not take off its hands, the server holds in buffers meanwhile.
 */
final class SlowClients {
    /** The name of the file they ask for. */
    static final String FILE = "large-file";
    /** Its bytes: far more than the kernel keeps for a connection. */
    static final long FILE_SIZE = 64 << 20;

    private static final int COUNT = 256;
    private static final long MILLIS = 1500;
    private static final int RECEIVE_BUFFER = 4096;
    private static final byte[] REQUEST =
        ("GET /" + FILE + " HTTP/1.1\r\nHost: localhost\r\n\r\n").getBytes(StandardCharsets.US_ASCII);

    private SlowClients() {}

    /** Comes and goes. */
    static void run(boolean tls, int port) throws IOException, InterruptedException {
        SSLSocketFactory encryption = tls ? trusting() : null;
        Deque<Socket> sockets = new ArrayDeque<>();
        try {
            for (int i = 0; i < COUNT; i++) {
                sockets.add(connect(port));
                Socket client = tls ? encrypted(sockets.getLast(), encryption) : sockets.getLast();
                client.getOutputStream().write(REQUEST);
            }
            Thread.sleep(MILLIS);
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }

    private static Socket connect(int port) throws IOException {
        Socket socket = new Socket();
        // Before connecting, because the window is agreed on then.
        socket.setReceiveBufferSize(RECEIVE_BUFFER);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        return socket;
    }

    private static Socket encrypted(Socket socket, SSLSocketFactory encryption) throws IOException {
        SSLSocket encrypted = (SSLSocket) encryption.createSocket(socket, "localhost", socket.getPort(), true);
        encrypted.startHandshake();
        return encrypted;
    }

    /** Trusts whoever is there: it is the server that was started a moment ago. */
    private static SSLSocketFactory trusting() throws IOException {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, InsecureTrustManagerFactory.INSTANCE.getTrustManagers(), null);
            return context.getSocketFactory();
        } catch (GeneralSecurityException e) {
            throw new IOException("this JDK cannot connect by TLS", e);
        }
    }
}
