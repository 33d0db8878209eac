package io.millpond.netty;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollEventLoopGroup;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;

/** What channels are made of. io_uring is in Netty 4.2 only, so it is found by name. */
enum Transport {
    NIO,
    EPOLL,
    IO_URING;

    private static final String URING = "io.netty.channel.uring.IoUring";

    boolean isAvailable() {
        switch (this) {
            case NIO:
                return true;
            case EPOLL:
                return Epoll.isAvailable();
            default:
                try {
                    return (boolean) Class.forName(URING).getMethod("isAvailable").invoke(null);
                } catch (ReflectiveOperationException e) {
                    return false;
                }
        }
    }

    EventLoopGroup group(int threads) {
        switch (this) {
            case NIO:
                return new NioEventLoopGroup(threads);
            case EPOLL:
                return new EpollEventLoopGroup(threads);
            default:
                try {
                    Object factory = Class.forName(URING + "IoHandler").getMethod("newFactory").invoke(null);
                    return (EventLoopGroup) Class.forName("io.netty.channel.MultiThreadIoEventLoopGroup")
                            .getConstructor(int.class, Class.forName("io.netty.channel.IoHandlerFactory"))
                            .newInstance(threads, factory);
                } catch (ReflectiveOperationException e) {
                    throw new LinkageError("io_uring is available, and cannot be used", e);
                }
        }
    }

    Class<? extends ServerChannel> serverChannel() {
        switch (this) {
            case NIO:
                return NioServerSocketChannel.class;
            case EPOLL:
                return EpollServerSocketChannel.class;
            default:
                return named("ServerSocketChannel").asSubclass(ServerChannel.class);
        }
    }

    Class<? extends SocketChannel> channel() {
        switch (this) {
            case NIO:
                return NioSocketChannel.class;
            case EPOLL:
                return EpollSocketChannel.class;
            default:
                return named("SocketChannel").asSubclass(SocketChannel.class);
        }
    }

    private static Class<?> named(String kind) {
        try {
            return Class.forName(URING + kind);
        } catch (ClassNotFoundException e) {
            throw new LinkageError("io_uring is available, and has no " + kind, e);
        }
    }
}
