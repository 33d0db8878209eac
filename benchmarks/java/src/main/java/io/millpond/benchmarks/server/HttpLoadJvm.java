package io.millpond.benchmarks.server;

import io.millpond.benchmarks.Allocator;
import io.millpond.benchmarks.memory.Fork;
import io.millpond.examples.netty.HttpFileServer;
import io.millpond.netty.MillpondByteBufAllocator;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;

/**
 * The server. A first one is there to be warmed up by: with an allocator of the same kind, so that the compiler sees what it
 * will see later and what it needs is resident before anything is measured, but not with the same allocator, so that no buffer
 * is pooled yet.
 */
final class HttpLoadJvm {
    private static final int COLLECTIONS = 2;
    private static final long SETTLE_MILLIS = 300;

    private HttpLoadJvm() {}

    /**
     * Serves.
     *
     * @param args the directory to serve, the name of the allocator, a {@link Protocol}
     * @throws IOException if a server cannot be started, or nobody says how to go on
     * @throws InterruptedException if interrupted
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        Path directory = Path.of(args[0]);
        SslContext tls = Protocol.valueOf(args[2]).context();
        warmUp(directory, args[1], tls);
        // A dropped pool of Netty's is freed by finalizers.
        for (int i = 0; i < COLLECTIONS; i++) {
            System.gc();
            Thread.sleep(SETTLE_MILLIS);
        }
        Fork.say("ready", "");
        Fork.pause();
        ByteBufAllocator allocator = Allocator.forNetty(args[1]);
        try (HttpFileServer server = start(directory, allocator, tls)) {
            Fork.say("port", server.address().getPort());
            for (int i = 0; i < 2; i++) {
                Fork.pause();
                Fork.say("collections", collections());
            }
            Fork.pause();
            Fork.say("held", held(allocator));
            Fork.pause();
        }
    }

    private static void warmUp(Path directory, String name, SslContext tls) throws IOException {
        Fork.pause();
        ByteBufAllocator allocator = Allocator.forNetty(name);
        try (HttpFileServer server = start(directory, allocator, tls)) {
            Fork.say("port", server.address().getPort());
            Fork.pause();
        }
        if (allocator instanceof MillpondByteBufAllocator millpond) {
            millpond.pool().close();
        }
    }

    private static HttpFileServer start(Path directory, ByteBufAllocator allocator, SslContext tls) throws IOException {
        return new HttpFileServer(directory, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), tls, allocator);
    }

    /** Bytes that the allocator has from the system, whether somebody uses them or not. */
    private static long held(ByteBufAllocator allocator) {
        if (allocator instanceof MillpondByteBufAllocator millpond) {
            return millpond.pool().stats().committedBytes();
        }
        // As each of Netty's counts: chunks where there are any.
        return ((ByteBufAllocatorMetricProvider) allocator).metric().usedDirectMemory();
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
