package io.millpond.applications;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.NettyCustomizer;
import io.millpond.netty.MillpondByteBufAllocator;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelOption;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A client of Redis on Millpond's allocator, and as much of a Redis as answers it. */
public final class LettuceApplication {
    private static final byte[] OK = "+OK\r\n".getBytes(StandardCharsets.US_ASCII);

    private LettuceApplication() {
    }

    /** Agrees to whatever is said on one connection. */
    private static void answer(ServerSocket server) {
        try (Socket socket = server.accept();
                BufferedReader in = new BufferedReader(
                        new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                // The head of a command; its parts begin with $ or are text.
                if (line.startsWith("*")) {
                    socket.getOutputStream().write(OK);
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException("the server has no connection", e);
        }
    }

    /**
     * Says one thing to its own server.
     *
     * @param arguments none
     * @throws IOException if the server does not start
     */
    public static void main(String[] arguments) throws IOException {
        MillpondByteBufAllocator allocator = MillpondByteBufAllocator.DEFAULT;
        InetAddress loopback = InetAddress.getLoopbackAddress();
        ServerSocket server = new ServerSocket(0, 1, loopback);
        Thread thread = new Thread(() -> answer(server));
        thread.setDaemon(true);
        thread.start();
        ClientResources resources = ClientResources.builder().nettyCustomizer(new NettyCustomizer() {
            @Override
            public void afterBootstrapInitialized(Bootstrap bootstrap) {
                bootstrap.option(ChannelOption.ALLOCATOR, allocator);
            }
        }).build();
        RedisClient client = RedisClient.create(resources,
                RedisURI.create(loopback.getHostAddress(), server.getLocalPort()));
        client.setOptions(ClientOptions.builder().protocolVersion(ProtocolVersion.RESP2).build());
        try (StatefulRedisConnection<String, String> connection = client.connect()) {
            String answer = connection.sync().set("key", "value");
            System.out.println("OK".equals(answer) && allocator.pool().stats().allocations() > 0 ? "done" : "failed");
        }
        System.exit(0);
    }
}
