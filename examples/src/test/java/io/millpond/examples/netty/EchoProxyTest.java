package io.millpond.examples.netty;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.millpond.BufferPool;
import io.millpond.netty.MillpondByteBufAllocator;
import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ResourceLeakDetector;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EchoProxyTest {
    static {
        LeakReport.watch(ResourceLeakDetector.Level.PARANOID);
    }

    private static final InetSocketAddress ANY = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    private final BufferPool pool = BufferPool.builder().name("echo-proxy-test").maxMemory(64 << 20).build();
    private final MillpondByteBufAllocator allocator = new MillpondByteBufAllocator(pool);
    private final byte[] bytes = new byte[5_000_003];

    EchoProxyTest() {
        new Random(2).nextBytes(bytes);
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        LeakReport report = LeakReport.of(pool);
        assertTrue(report.isClean(), report::toString);
        pool.close();
    }

    @Test
    void whatClientsSendComesBack() throws Exception {
        try (EchoServer server = new EchoServer(ANY, allocator);
                EchoProxy proxy = new EchoProxy(ANY, server.address(), null, allocator);
                Socket socket = new Socket(proxy.address().getAddress(), proxy.address().getPort())) {
            assertArrayEquals(bytes, echoed(socket));
        }
    }

    @Test
    void alsoWithTls() throws Exception {
        SelfSigned certificate = SelfSigned.make();
        SslContext tls = certificate.server(SslProvider.JDK);
        JdkSslContext clients = (JdkSslContext) certificate.client(SslProvider.JDK);
        try (EchoServer server = new EchoServer(ANY, allocator);
                EchoProxy proxy = new EchoProxy(ANY, server.address(), tls, allocator);
                Socket socket = clients.context().getSocketFactory()
                        .createSocket(proxy.address().getAddress(), proxy.address().getPort())) {
            assertArrayEquals(bytes, echoed(socket));
        }
    }

    @Test
    void withoutABackendClientsAreClosed() throws Exception {
        InetSocketAddress gone;
        try (EchoServer server = new EchoServer(ANY, allocator)) {
            gone = server.address();
        }
        try (EchoProxy proxy = new EchoProxy(ANY, gone, null, allocator);
                Socket socket = new Socket(proxy.address().getAddress(), proxy.address().getPort())) {
            assertEquals(-1, socket.getInputStream().read());
        }
    }

    /** Sends on another thread: neither side takes all of it before it can give something back. */
    private byte[] echoed(Socket socket) throws Exception {
        CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> {
            try {
                socket.getOutputStream().write(bytes);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        byte[] back = socket.getInputStream().readNBytes(bytes.length);
        sent.get();
        return back;
    }
}
