package io.millpond.examples;

import io.millpond.examples.netty.SelfSigned;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.ssl.SslContext;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;

/** A number of keep-alive connections to an HTTP server, each of which fetches every file, and what came of it so far. */
final class HttpClients implements AutoCloseable {
    private static final int LOOPS = 2;
    private static final int LONGEST_RESPONSE = 64 << 20;
    private static final int SHUTDOWN_SECONDS = 5;

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(LOOPS, NioIoHandler.newFactory());
    private final SslContext tls;
    private final int rounds;
    private final LongAdder bytes = new LongAdder();
    private final AtomicInteger open = new AtomicInteger();
    private final AtomicInteger matching = new AtomicInteger();
    private final AtomicInteger differing = new AtomicInteger();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile long lastFinishedNanos;

    /** Connects at once, by {@code SelfSigned.HOST}. The files must be in the directory that the server serves. */
    HttpClients(InetSocketAddress server, SslContext tls, ByteBufAllocator allocator, int connections, List<Content> files,
            int rounds) {
        this.tls = tls;
        this.rounds = rounds;
        open.set(connections);
        for (int i = 0; i < connections; i++) {
            connect(server, allocator, files);
        }
    }

    private void connect(InetSocketAddress server, ByteBufAllocator allocator, List<Content> files) {
        ChannelFuture connected = new Bootstrap()
                .group(group)
                .channel(NioSocketChannel.class)
                .option(ChannelOption.ALLOCATOR, allocator)
                .handler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        connection.pipeline().addLast(
                                tls.newHandler(connection.alloc(), SelfSigned.HOST, server.getPort()),
                                new HttpClientCodec(),
                                new HttpObjectAggregator(LONGEST_RESPONSE),
                                new HttpConnection(SelfSigned.HOST, files, rounds, HttpClients.this));
                    }
                })
                .connect(server);
        connected.addListener((ChannelFutureListener) done -> {
            if (!done.isSuccess()) {
                fail(done.cause());
            }
        });
        connected.channel().closeFuture().addListener(closed -> open.decrementAndGet());
    }

    boolean isRunning() {
        return open.get() > 0;
    }

    /** Returns the first thing that went wrong, or null. */
    Throwable failure() {
        return failure.get();
    }

    void fail(Throwable cause) {
        failure.compareAndSet(null, cause);
    }

    /** Called by a connection for a file that it has received. */
    void received(int length) {
        bytes.add(length);
    }

    /** Called by a connection that has compared a file. */
    void finished(boolean matches) {
        lastFinishedNanos = System.nanoTime();
        (matches ? matching : differing).incrementAndGet();
    }

    long bytes() {
        return bytes.sum();
    }

    /** Returns {@link System#nanoTime()} of when the last file was there. */
    long lastFinishedNanos() {
        return lastFinishedNanos;
    }

    int hashes() {
        return matching.get() + differing.get();
    }

    int differing() {
        return differing.get();
    }

    /** Closes every connection and returns when the event loops have ended. */
    @Override
    public void close() {
        group.shutdownGracefully(0, SHUTDOWN_SECONDS, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
