package io.millpond.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A pool that is closed under a live server: connections end, each after one complaint, and no event loop spins. */
class ClosedPoolTest {
    private static final int CONNECTIONS = 8;
    private static final int SECONDS = 60;

    /** Of a server: its connections, and what went wrong in them. */
    @Sharable
    private static final class Server extends ChannelInboundHandlerAdapter {
        /** Of one connection; with so many it would go on for ever. */
        private static final int TOO_MANY = 1000;

        final BlockingQueue<Channel> channels = new LinkedBlockingQueue<>();
        final BlockingQueue<Throwable> complaints = new LinkedBlockingQueue<>();

        @Override
        public void channelActive(ChannelHandlerContext context) {
            channels.add(context.channel());
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            complaints.add(cause);
            if (complaints.size() > TOO_MANY) {
                context.close();
            }
        }
    }

    private static void send(Channel client) {
        // Direct already, so that the transport needs no other for it.
        client.writeAndFlush(Unpooled.directBuffer().writeLong(42)).syncUninterruptibly();
    }

    private static List<Channel> connect(Network network) {
        List<Channel> clients = new ArrayList<>();
        for (int i = 0; i < CONNECTIONS; i++) {
            clients.add(network.connect(channel -> { }));
        }
        return clients;
    }

    private static void assertClosed(Throwable complaint) {
        assertInstanceOf(PoolOutOfMemoryError.class, complaint);
        assertInstanceOf(IllegalStateException.class, complaint.getCause());
        assertTrue(complaint.getMessage().contains("netty-tests' is closed"), complaint.getMessage());
    }

    /** Netty's io_uring lets an allocator's error, whatever its type, through to the event loop, and the connection hangs. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "IO_URING")
    void eachReadEndsItsConnection(Transport transport) throws Exception {
        assumeTrue(transport.isAvailable(), transport + " does not load here");
        Server server = new Server();
        try (Pools pools = new Pools();
                Pools others = new Pools();
                Network network = new Network(transport, pools.allocator, others.allocator,
                        channel -> channel.pipeline().addLast(new Echo(), server))) {
            Collected collected = new Collected(Long.BYTES);
            Channel first = network.connect(channel -> channel.pipeline().addLast(collected));
            send(first);
            collected.crc();
            first.close();
            server.channels.take().closeFuture().syncUninterruptibly();

            List<Channel> clients = connect(network);
            for (int i = 0; i < CONNECTIONS; i++) {
                server.channels.take();
            }
            pools.pool.close();
            // The listening channel goes on: these are accepted as well.
            clients.addAll(connect(network));
            for (Channel client : clients) {
                send(client);
            }
            for (Channel client : clients) {
                assertTrue(client.closeFuture().await(SECONDS, TimeUnit.SECONDS), "a connection goes on");
            }
        }
        // The event loops have ended.
        assertEquals(2 * CONNECTIONS, server.complaints.size(), () -> "complaints, the first " + server.complaints.peek());
        server.complaints.forEach(ClosedPoolTest::assertClosed);
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void aWriteThatNeedsABufferFailsAndOthersGoOn(Transport transport) throws Exception {
        assumeTrue(transport.isAvailable(), transport + " does not load here");
        Server server = new Server();
        try (Pools pools = new Pools();
                Pools others = new Pools();
                Network network = new Network(transport, pools.allocator, others.allocator, channel -> {
                    channel.config().setAutoRead(false);
                    channel.pipeline().addLast(server);
                })) {
            Collected collected = new Collected(Long.BYTES);
            network.connect(channel -> channel.pipeline().addLast(collected));
            Channel channel = server.channels.take();
            pools.pool.close();
            ByteBuf heap = channel.alloc().heapBuffer().writeLong(1);
            assertClosed(channel.writeAndFlush(heap).await().cause());
            assertEquals(0, heap.refCnt());
            send(channel);
            collected.crc();
            assertEquals(List.of(), List.copyOf(server.complaints));
        }
    }
}
