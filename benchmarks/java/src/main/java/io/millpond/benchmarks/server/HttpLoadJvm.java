package io.millpond.benchmarks.server;

import io.millpond.benchmarks.Allocator;
import io.millpond.benchmarks.memory.Fork;
import io.millpond.examples.netty.HttpFileServer;
import io.millpond.examples.netty.SelfSigned;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;

/**
 * The server. A first one, on Netty's unpooled allocator, is there to be warmed up by, so that what the compiler needs is
 * resident before anything is measured.
 */
final class HttpLoadJvm {
    private HttpLoadJvm() {}

    /**
     * Serves.
     *
     * @param args the directory to serve, the name of the allocator, {@code http} or {@code https}
     * @throws IOException if a server cannot be started, or nobody says how to go on
     * @throws InterruptedException if interrupted
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        SslContext tls = args[2].equals("https") ? SelfSigned.make().server(SelfSigned.bestProvider()) : null;
        serve(args[0], Allocator.forNetty(Allocator.UNPOOLED), tls);
        serve(args[0], Allocator.forNetty(args[1]), tls);
    }

    private static void serve(String directory, ByteBufAllocator allocator, SslContext tls) throws IOException {
        InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        Fork.pause();
        try (HttpFileServer server = new HttpFileServer(Path.of(directory), anyPort, tls, allocator)) {
            Fork.say("port", server.address().getPort());
            for (int i = 0; i < 2; i++) {
                Fork.pause();
                Fork.say("collections", collections());
            }
            // Under whoever looks at what is resident, until told to end.
            Fork.pause();
        }
        Fork.say("closed", "");
    }

    /** How many so far, and their ms. */
    private static String collections() {
        long count = 0;
        long millis = 0;
        for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
            count += collector.getCollectionCount();
            millis += collector.getCollectionTime();
        }
        return count + " " + millis;
    }
}
