package io.millpond.netty;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpChunkedInput;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.netty.handler.stream.ChunkedFile;
import io.netty.handler.stream.ChunkedWriteHandler;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.zip.CRC32;
import javax.net.ssl.KeyManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Traffic through real channels and Netty's own handlers; after each test nothing is out, and no leak was reported. */
class ChannelTest {
    private static final int[] SIZES = {1, 100, 4096, 70_000, 1 << 20, 9 << 20};

    @TempDir
    Path directory;
    private final Leaks leaks = new Leaks();

    @AfterEach
    void noLeakIsReported() {
        try (leaks) {
            assertEquals(List.of(), leaks.reports());
        }
    }

    private static void echo(Transport transport, SslContext server, SslContext client) throws Exception {
        assumeTrue(transport.isAvailable(), transport + " does not load here");
        try (Pools pools = new Pools();
                Network network = new Network(transport, pools.allocator, channel -> {
                    if (server != null) {
                        channel.pipeline().addLast(server.newHandler(channel.alloc()));
                    }
                    channel.pipeline().addLast(new Echo());
                })) {
            for (int size : SIZES) {
                byte[] bytes = new byte[size];
                new Random(size).nextBytes(bytes);
                CRC32 crc = new CRC32();
                crc.update(bytes);
                Collected collected = new Collected(size);
                Channel channel = network.connect(made -> {
                    if (client != null) {
                        made.pipeline().addLast(client.newHandler(made.alloc()));
                    }
                    made.pipeline().addLast(collected);
                });
                // Filled on this thread, written on the client's event loop, read and echoed on the server's.
                channel.writeAndFlush(pools.buffer(size).writeBytes(bytes));
                assertEquals(crc.getValue(), collected.crc(), "bytes: " + size);
                channel.close().syncUninterruptibly();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void whatIsSentComesBackWhole(Transport transport) throws Exception {
        echo(transport, null, null);
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void alsoThroughTls(Transport transport) throws Exception {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(selfSigned(), "millpond".toCharArray());
        echo(transport, SslContextBuilder.forServer(keys).build(),
                SslContextBuilder.forClient().trustManager(InsecureTrustManagerFactory.INSTANCE)
                        .endpointIdentificationAlgorithm(null).build());
    }

    private KeyStore selfSigned() throws Exception {
        Path file = directory.resolve("keys.p12");
        Process keytool = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair", "-alias", "server", "-keyalg", "EC", "-dname", "CN=localhost", "-storetype", "PKCS12",
                "-storepass", "millpond", "-keystore", file.toString()).inheritIO().start();
        assertEquals(0, keytool.waitFor());
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, "millpond".toCharArray());
        }
        return store;
    }

    private static final class FileServer extends SimpleChannelInboundHandler<FullHttpRequest> {
        private final File file;

        FileServer(File file) {
            this.file = file;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) throws IOException {
            HttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
            response.headers().set(HttpHeaderNames.TRANSFER_ENCODING, "chunked");
            context.write(response);
            context.writeAndFlush(new HttpChunkedInput(new ChunkedFile(file)));
        }
    }

    private static final class Response extends SimpleChannelInboundHandler<FullHttpResponse> {
        private final CompletableFuture<byte[]> body = new CompletableFuture<>();

        @Override
        protected void channelRead0(ChannelHandlerContext context, FullHttpResponse response) {
            byte[] bytes = new byte[response.content().readableBytes()];
            response.content().readBytes(bytes);
            body.complete(bytes);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            body.completeExceptionally(cause);
        }
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void httpServesFilesInChunks(Transport transport) throws Exception {
        assumeTrue(transport.isAvailable(), transport + " does not load here");
        byte[] bytes = new byte[3_000_001];
        new Random(1).nextBytes(bytes);
        File file = Files.write(directory.resolve("file"), bytes).toFile();
        try (Pools pools = new Pools();
                Network network = new Network(transport, pools.allocator, channel -> channel.pipeline().addLast(
                        new HttpServerCodec(), new HttpObjectAggregator(1 << 16), new ChunkedWriteHandler(),
                        new FileServer(file)))) {
            for (int i = 0; i < 4; i++) {
                Response response = new Response();
                Channel channel = network.connect(made -> made.pipeline().addLast(
                        new HttpClientCodec(), new HttpObjectAggregator(1 << 24), response));
                channel.writeAndFlush(new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/",
                        pools.buffer(0)));
                assertArrayEquals(bytes, response.body.get());
                channel.close().syncUninterruptibly();
            }
        }
    }

    @Test
    void decodersCumulateByMerging() {
        cumulate(ByteToMessageDecoder.MERGE_CUMULATOR);
    }

    @Test
    void decodersCumulateByComposition() {
        cumulate(ByteToMessageDecoder.COMPOSITE_CUMULATOR);
    }

    private static void cumulate(ByteToMessageDecoder.Cumulator cumulator) {
        try (Pools pools = new Pools()) {
            Random random = new Random(2);
            LengthFieldBasedFrameDecoder decoder = new LengthFieldBasedFrameDecoder(1 << 24, 0, 4, 0, 4);
            decoder.setCumulator(cumulator);
            EmbeddedChannel channel = new EmbeddedChannel();
            channel.config().setAllocator(pools.allocator);
            channel.pipeline().addLast(decoder);
            for (int frame = 0; frame < 200; frame++) {
                byte[] bytes = new byte[random.nextInt(20_000)];
                random.nextBytes(bytes);
                ByteBuf all = pools.buffer(4).writeInt(bytes.length).writeBytes(bytes);
                while (all.isReadable()) {
                    int some = Math.min(all.readableBytes(), 1 + random.nextInt(3000));
                    channel.writeInbound(random.nextBoolean() ? all.readRetainedSlice(some) : all.readBytes(some));
                }
                all.release();
                ByteBuf decoded = channel.readInbound();
                byte[] got = new byte[decoded.readableBytes()];
                decoded.readBytes(got).release();
                assertArrayEquals(bytes, got);
            }
            channel.finishAndReleaseAll();
        }
    }
}
