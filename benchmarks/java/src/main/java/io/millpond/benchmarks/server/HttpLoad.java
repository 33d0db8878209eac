package io.millpond.benchmarks.server;

import io.millpond.benchmarks.Allocator;
import io.millpond.benchmarks.Tuning;
import io.millpond.benchmarks.memory.Candidate;
import io.millpond.benchmarks.memory.Measurements;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The HTTP file server of the examples under load by wrk on 64 connections, then by {@link SlowClients}: requests a second,
 * latencies, collections, resident memory at the peak and five seconds after. Without TLS, with netty-tcnative's and with the
 * JDK's. Server and load share all processors, and nothing is bound to one of them.
 *
 * <p>Each figure is the median of three rounds, in each of which every allocator has its turn on a new JVM: what a JVM happens
 * to compile, and what else the machine does, weighs more than one allocator against another.
 *
 * <p>See {@link Measurements} for the command line.
 */
public final class HttpLoad {
    private static final List<String> ALLOCATORS = List.of(Allocator.MILLPOND_NETTY, Allocator.POOLED,
        Allocator.POOLED + Tuning.FAST, Allocator.ADAPTIVE, Allocator.ADAPTIVE + Tuning.FAST, Allocator.UNPOOLED);
    private static final int[] FILE_SIZES = {1 << 10, 16 << 10, 256 << 10, 1 << 20};

    private HttpLoad() {}

    /**
     * Measures.
     *
     * @param args see above
     * @throws IOException if a JVM or wrk fails, or records cannot be written
     * @throws InterruptedException if interrupted
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        if (!Wrk.isThere()) {
            System.out.println("The HTTP server was not measured: there is no wrk; on Debian and Ubuntu: apt-get install wrk");
            return;
        }
        Path directory = Files.createTempDirectory("millpond-http");
        try {
            Wrk wrk = new Wrk(directory, files(directory));
            for (Protocol protocol : Protocol.values()) {
                if (protocol.isThere()) {
                    measure(protocol, new Measurements(protocol.program(), args, ALLOCATORS), directory, wrk);
                } else {
                    System.out.println(protocol.program() + " was not measured: netty-tcnative cannot be loaded here");
                }
            }
        } finally {
            delete(directory);
        }
    }

    private static void measure(Protocol protocol, Measurements measurements, Path directory, Wrk wrk)
            throws IOException, InterruptedException {
        Rounds rounds = new Rounds(protocol, directory, wrk);
        rounds.run(measurements.candidates());
        measurements.run((jdk, allocator) -> rounds.figures(new Candidate(jdk, allocator)));
    }

    /** Makes the files to be served; the names of those for wrk. */
    private static List<String> files(Path directory) throws IOException {
        List<String> names = new ArrayList<>();
        for (int size : FILE_SIZES) {
            names.add("file-" + size);
            Files.write(directory.resolve("file-" + size), new byte[size]);
        }
        try (RandomAccessFile file = new RandomAccessFile(directory.resolve(SlowClients.FILE).toFile(), "rw")) {
            file.setLength(SlowClients.FILE_SIZE);
        }
        return names;
    }

    private static void delete(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }
}
