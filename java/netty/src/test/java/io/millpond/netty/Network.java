package io.millpond.netty;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A server and its clients over loopback, each on an event loop of its own, with allocators installed everywhere. */
final class Network implements AutoCloseable {
    private final Transport transport;
    private final MillpondByteBufAllocator clientAllocator;
    private final EventLoopGroup servers;
    private final EventLoopGroup clients;
    private final Channel server;

    Network(Transport transport, MillpondByteBufAllocator allocator, Consumer<Channel> pipeline) {
        this(transport, allocator, allocator, pipeline);
    }

    Network(Transport transport, MillpondByteBufAllocator allocator, MillpondByteBufAllocator clientAllocator,
            Consumer<Channel> pipeline) {
        this.transport = transport;
        this.clientAllocator = clientAllocator;
        this.servers = transport.group(2);
        this.clients = transport.group(1);
        this.server = new ServerBootstrap()
                .group(servers)
                .channel(transport.serverChannel())
                .option(ChannelOption.ALLOCATOR, allocator)
                .childOption(ChannelOption.ALLOCATOR, allocator)
                .childHandler(initializer(pipeline))
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .syncUninterruptibly()
                .channel();
    }

    Channel connect(Consumer<Channel> pipeline) {
        return new Bootstrap()
                .group(clients)
                .channel(transport.channel())
                .option(ChannelOption.ALLOCATOR, clientAllocator)
                .handler(initializer(pipeline))
                .connect(server.localAddress())
                .syncUninterruptibly()
                .channel();
    }

    private static ChannelHandler initializer(Consumer<Channel> pipeline) {
        return new ChannelInitializer<Channel>() {
            @Override
            protected void initChannel(Channel channel) {
                pipeline.accept(channel);
            }
        };
    }

    @Override
    public void close() {
        server.close().syncUninterruptibly();
        clients.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
        servers.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }
}
