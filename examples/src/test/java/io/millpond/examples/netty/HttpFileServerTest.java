package io.millpond.examples.netty;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.millpond.BufferPool;
import io.millpond.netty.MillpondByteBufAllocator;
import io.netty.buffer.AdaptiveByteBufAllocator;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With the JDK's client, which knows nothing of Netty. TLS and hashes are in HttpTransferTest. */
class HttpFileServerTest {
    static {
        LeakReport.watch(ResourceLeakDetector.Level.PARANOID);
    }

    private static final InetSocketAddress ANY = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    @TempDir
    Path directory;
    private final BufferPool pool = BufferPool.builder().name("http-server-test").maxMemory(64 << 20).build();
    private final byte[] bytes = new byte[1_000_000];
    private Path root;

    @BeforeEach
    void write() throws Exception {
        new Random(1).nextBytes(bytes);
        root = Files.createDirectories(directory.resolve("root/below")).getParent();
        Files.write(root.resolve("below/a file"), bytes);
        Files.writeString(directory.resolve("secret"), "secret");
        Files.createSymbolicLink(root.resolve("link"), directory.resolve("secret"));
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        LeakReport report = LeakReport.of(pool);
        assertTrue(report.isClean(), report::toString);
        assertEquals("Leak report: 0 live buffers, 0 forgotten, 0 reported by Netty's leak detector.", report.toString());
        pool.close();
    }

    @Test
    void servesFilesAndRefusesEverythingElse() throws Exception {
        try (HttpFileServer server = server(new MillpondByteBufAllocator(pool))) {
            assertArrayEquals(bytes, get(server, "/below/a%20file").body());
            assertEquals(404, get(server, "/below").statusCode());
            assertEquals(404, get(server, "/nothing").statusCode());
            assertEquals(404, get(server, "/").statusCode());
            assertEquals(404, get(server, "/..%2Fsecret").statusCode());
            assertEquals(404, get(server, "/%00").statusCode());
            assertEquals(404, get(server, "/link").statusCode());
            HttpRequest post = request(server, "/below/a%20file").POST(HttpRequest.BodyPublishers.ofString("x")).build();
            assertEquals(405, send(post).statusCode());
            assertArrayEquals(bytes, get(server, "//below/a%20file").body());
            assertTrue(pool.stats().allocations() > 0);
        }
    }

    @Test
    void anyAllocatorWillDo() throws Exception {
        try (HttpFileServer server = server(new AdaptiveByteBufAllocator())) {
            assertArrayEquals(bytes, get(server, "/below/a%20file").body());
            assertEquals(0, pool.stats().allocations());
        }
    }

    @Test
    void withoutMemoryTheConnectionIsClosed() throws Exception {
        try (BufferPool tiny = BufferPool.builder().name("tiny").maxMemory(64 << 10).build();
                HttpFileServer server = server(new MillpondByteBufAllocator(tiny))) {
            assertThrows(IOException.class, () -> get(server, "/below/a%20file"));
            assertEquals(404, get(server, "/nothing").statusCode(), "others are served");
        }
    }

    @Test
    void closesWhileAClientIsStillReading() throws Exception {
        HttpFileServer server = server(new MillpondByteBufAllocator(pool));
        try (Socket socket = new Socket(server.address().getAddress(), server.address().getPort())) {
            String ask = "GET /below/a%20file HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(50);
            socket.getOutputStream().write(ask.getBytes(StandardCharsets.US_ASCII));
            assertEquals('H', socket.getInputStream().read());
            assertTrue(pool.stats().liveBuffers() > 0);
            server.close();
        }
    }

    private HttpFileServer server(ByteBufAllocator allocator) throws Exception {
        return new HttpFileServer(root, ANY, null, allocator);
    }

    private static HttpRequest.Builder request(HttpFileServer server, String path) {
        return HttpRequest.newBuilder(URI.create("http://localhost:" + server.address().getPort() + path));
    }

    private static HttpResponse<byte[]> get(HttpFileServer server, String path) throws Exception {
        return send(request(server, path).build());
    }

    private static HttpResponse<byte[]> send(HttpRequest request) throws Exception {
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofByteArray());
    }
}
