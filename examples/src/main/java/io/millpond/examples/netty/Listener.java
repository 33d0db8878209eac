package io.millpond.examples.netty;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** What the servers here have in common: event loops, and a channel that listens and has its allocator from the bootstrap. */
final class Listener implements AutoCloseable {
    private static final int SHUTDOWN_SECONDS = 5;

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(NioIoHandler.newFactory());
    private final Channel channel;

    /** Listens at once; {@code pipeline} is given each connection, on its event loop. */
    Listener(InetSocketAddress address, ByteBufAllocator allocator, Consumer<Channel> pipeline) throws IOException {
        ChannelFuture bound = new ServerBootstrap()
                .group(group)
                .channel(NioServerSocketChannel.class)
                .option(ChannelOption.ALLOCATOR, allocator)
                .childOption(ChannelOption.ALLOCATOR, allocator)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        pipeline.accept(connection);
                    }
                })
                .bind(address)
                .awaitUninterruptibly();
        channel = bound.channel();
        if (!bound.isSuccess()) {
            close();
            throw new IOException("cannot listen at " + address + ": " + bound.cause().getMessage(), bound.cause());
        }
    }

    InetSocketAddress address() {
        return (InetSocketAddress) channel.localAddress();
    }

    /** Closes every connection, and returns when the event loops have ended, so that no buffer is on its way any more. */
    @Override
    public void close() {
        channel.close().awaitUninterruptibly();
        group.shutdownGracefully(0, SHUTDOWN_SECONDS, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
