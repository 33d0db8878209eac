package io.millpond.examples.netty;

import io.millpond.netty.MillpondByteBufAllocator;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpChunkedInput;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.stream.ChunkedNioFile;
import io.netty.handler.stream.ChunkedWriteHandler;
import io.netty.util.ResourceLeakDetector;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Serves the files below a directory by HTTP/1.1 with keep-alive, with TLS or without. Files go through buffers of 64 KiB and
 * not by {@code sendfile}, which TLS could not use.
 */
public final class HttpFileServer implements AutoCloseable {
    private static final int LONGEST_REQUEST = 1 << 16;
    private static final int CHUNK = 1 << 16;

    private final Listener listener;

    /**
     * Starts it.
     *
     * @param root the directory whose files are served
     * @param address where to listen; with port 0 the system chooses one
     * @param tls null for none
     * @param allocator where all buffers come from
     * @throws IOException if the directory is not there or the address cannot be listened at
     */
    public HttpFileServer(Path root, InetSocketAddress address, SslContext tls, ByteBufAllocator allocator)
            throws IOException {
        Path realRoot = root.toRealPath();
        listener = new Listener(address, allocator, connection -> prepare(connection, realRoot, tls));
    }

    private static void prepare(Channel connection, Path root, SslContext tls) {
        if (tls != null) {
            connection.pipeline().addLast(tls.newHandler(connection.alloc()));
        }
        connection.pipeline().addLast(new HttpServerCodec(), new HttpObjectAggregator(LONGEST_REQUEST),
                new ChunkedWriteHandler(), new FileHandler(root));
    }

    /**
     * Where it listens.
     *
     * @return the address, with the port that the system has chosen
     */
    public InetSocketAddress address() {
        return listener.address();
    }

    /** Closes every connection and returns when the event loops have ended: then every buffer is released. */
    @Override
    public void close() {
        listener.close();
    }

    /** Answers GET by the file and everything else by an error. */
    private static final class FileHandler extends SimpleChannelInboundHandler<FullHttpRequest> {
        private final Path root;

        FileHandler(Path root) {
            this.root = root;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) throws IOException {
            if (request.decoderResult().isFailure()) {
                refuse(context, HttpResponseStatus.BAD_REQUEST, false);
                return;
            }
            boolean keepAlive = HttpUtil.isKeepAlive(request);
            if (!HttpMethod.GET.equals(request.method())) {
                refuse(context, HttpResponseStatus.METHOD_NOT_ALLOWED, keepAlive);
                return;
            }
            Path file = find(request.uri());
            if (file == null) {
                refuse(context, HttpResponseStatus.NOT_FOUND, keepAlive);
                return;
            }
            send(context, file, keepAlive);
        }

        private static void send(ChannelHandlerContext context, Path file, boolean keepAlive) throws IOException {
            FileChannel channel = FileChannel.open(file);
            long length = channel.size();
            HttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
            response.headers().set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_OCTET_STREAM);
            HttpUtil.setContentLength(response, length);
            HttpUtil.setKeepAlive(response, keepAlive);
            context.write(response);
            // Whoever writes it closes the file, also when the connection ends before.
            ChannelFuture sent = context.writeAndFlush(new HttpChunkedInput(new ChunkedNioFile(channel, 0, length, CHUNK)));
            thenClose(keepAlive, sent);
        }

        private static void refuse(ChannelHandlerContext context, HttpResponseStatus status, boolean keepAlive) {
            HttpResponse response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, Unpooled.EMPTY_BUFFER);
            HttpUtil.setContentLength(response, 0);
            HttpUtil.setKeepAlive(response, keepAlive);
            thenClose(keepAlive, context.writeAndFlush(response));
        }

        /** A response that could not be sent to its end leaves a client waiting for the rest: that ends the connection too. */
        private static void thenClose(boolean keepAlive, ChannelFuture sent) {
            sent.addListener(keepAlive ? ChannelFutureListener.CLOSE_ON_FAILURE : ChannelFutureListener.CLOSE);
        }

        /** Returns null if there is no such file below the root, links resolved. */
        private Path find(String uri) throws IOException {
            try {
                Path file = root.resolve(new QueryStringDecoder(uri).path().replaceFirst("^/+", ""));
                return Files.isRegularFile(file) && file.toRealPath().startsWith(root) ? file : null;
            } catch (IllegalArgumentException e) {
                // Not a path on this system, or not properly encoded.
                return null;
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }

    /**
     * Runs it until the process is told to end, then prints what it has left behind: nothing.
     *
     * @param arguments directory, port, and a certificate chain and a key, both PEM; without these two it signs its own
     * @throws IOException if it cannot start
     * @throws InterruptedException if somebody interrupts the main thread
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        if (arguments.length != 2 && arguments.length != 4) {
            System.err.println("usage: HttpFileServer DIRECTORY PORT [CERTIFICATE KEY]");
            System.exit(2);
        }
        LeakReport.watch(ResourceLeakDetector.Level.SIMPLE);
        SslContext tls = arguments.length == 2
                ? SelfSigned.make().server(SelfSigned.bestProvider())
                : SslContextBuilder.forServer(new File(arguments[2]), new File(arguments[3])).build();
        InetSocketAddress address = new InetSocketAddress(Integer.parseInt(arguments[1]));
        HttpFileServer server = new HttpFileServer(Path.of(arguments[0]), address, tls, MillpondByteBufAllocator.DEFAULT);
        System.out.println("Serving " + arguments[0] + " at https://localhost:" + server.address().getPort() + "/");
        Shutdown.whenTold(server);
    }
}
