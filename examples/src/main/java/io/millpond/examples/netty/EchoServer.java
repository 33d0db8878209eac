package io.millpond.examples.netty;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.io.IOException;
import java.net.InetSocketAddress;

/** Sends back what it is sent: something for {@link EchoProxy} to stand in front of. */
public final class EchoServer implements AutoCloseable {
    private final Listener listener;

    /**
     * Starts it.
     *
     * @param address where to listen; with port 0 the system chooses one
     * @param allocator where all buffers come from
     * @throws IOException if the address cannot be listened at
     */
    public EchoServer(InetSocketAddress address, ByteBufAllocator allocator) throws IOException {
        listener = new Listener(address, allocator, connection -> connection.pipeline().addLast(new Echo()));
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

    /** Reads no more from those who do not take what they get. */
    private static final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.write(message);
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            context.flush();
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext context) {
            context.channel().config().setAutoRead(context.channel().isWritable());
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }
}
