package io.millpond.examples.netty;

import io.millpond.netty.MillpondByteBufAllocator;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.ResourceLeakDetector;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * Passes bytes between clients that speak TLS and a server that does not, and reads from one side only what the other has
 * taken. A buffer that one side has read is written to the other as it is.
 */
public final class EchoProxy implements AutoCloseable {
    private final Listener listener;

    /**
     * Starts it.
     *
     * @param address where to listen; with port 0 the system chooses one
     * @param backend the server to pass everything on to
     * @param tls what clients speak; null for plain bytes
     * @param allocator where all buffers come from
     * @throws IOException if the address cannot be listened at
     */
    public EchoProxy(InetSocketAddress address, InetSocketAddress backend, SslContext tls, ByteBufAllocator allocator)
            throws IOException {
        listener = new Listener(address, allocator, client -> prepare(client, backend, tls));
    }

    private static void prepare(Channel client, InetSocketAddress backend, SslContext tls) {
        client.config().setAutoRead(false);
        if (tls != null) {
            client.pipeline().addLast(tls.newHandler(client.alloc()));
        }
        connect(client, backend);
    }

    /** A client's own channels do not inherit the allocator of the one that listens: each bootstrap wants it. */
    private static void connect(Channel client, InetSocketAddress backend) {
        new Bootstrap()
                .group(client.eventLoop())
                .channel(NioSocketChannel.class)
                .option(ChannelOption.ALLOCATOR, client.alloc())
                .option(ChannelOption.AUTO_READ, false)
                .handler(new Relay(client))
                .connect(backend)
                .addListener((ChannelFutureListener) connected -> {
                    if (!connected.isSuccess()) {
                        client.close();
                    } else if (!client.isActive()) {
                        connected.channel().close();
                    } else {
                        client.pipeline().addLast(new Relay(connected.channel()));
                        client.read();
                    }
                });
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

    /** Writes what one channel reads to the other, and reads on when that is written. */
    private static final class Relay extends ChannelInboundHandlerAdapter {
        private final Channel other;

        Relay(Channel other) {
            this.other = other;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            context.read();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (!other.isActive()) {
                ReferenceCountUtil.release(message);
                return;
            }
            other.writeAndFlush(message).addListener((ChannelFutureListener) written -> {
                if (written.isSuccess()) {
                    context.read();
                } else {
                    context.close();
                }
            });
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            if (other.isActive()) {
                // After what is still to be written.
                other.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }

    /**
     * Runs it until the process is told to end, then prints what it has left behind: nothing. Without a backend it stands in
     * front of its own {@link EchoServer}.
     *
     * @param arguments port, backend host, backend port
     * @throws IOException if it cannot start
     * @throws InterruptedException if somebody interrupts the main thread
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        if (arguments.length != 1 && arguments.length != 3) {
            System.err.println("usage: EchoProxy PORT [BACKEND-HOST BACKEND-PORT]");
            System.exit(2);
        }
        LeakReport.watch(ResourceLeakDetector.Level.SIMPLE);
        ByteBufAllocator allocator = MillpondByteBufAllocator.DEFAULT;
        EchoServer echo = new EchoServer(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), allocator);
        InetSocketAddress backend = arguments.length == 1
                ? echo.address()
                : new InetSocketAddress(arguments[1], Integer.parseInt(arguments[2]));
        EchoProxy proxy = new EchoProxy(new InetSocketAddress(Integer.parseInt(arguments[0])), backend,
                SelfSigned.make().server(SelfSigned.bestProvider()), allocator);
        System.out.println("Passing TLS at port " + proxy.address().getPort() + " on to " + backend);
        Shutdown.whenTold(proxy, echo);
    }
}
