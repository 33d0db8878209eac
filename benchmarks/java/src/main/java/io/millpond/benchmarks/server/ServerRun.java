package io.millpond.benchmarks.server;

import io.millpond.benchmarks.Tuning;
import io.millpond.benchmarks.memory.Candidate;
import io.millpond.benchmarks.memory.Fork;
import io.millpond.benchmarks.memory.ResidentSet;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * One JVM with a server in it: warmed up, put under load, then left alone for five seconds.
 *
 * <p>Threading: for one thread.
 */
final class ServerRun implements AutoCloseable {
    private static final List<String> FLAGS = List.of("-Xms1g", "-Xmx1g", "-XX:+AlwaysPreTouch", "-XX:MaxDirectMemorySize=2g");
    private static final int COMPILE_SECONDS = 6;
    private static final int WARM_UP_SECONDS = 1;
    private static final int LOAD_SECONDS = 4;
    private static final long SILENCE_MILLIS = 5000;
    private static final double MIB = 1 << 20;

    private final Fork jvm;
    private final Wrk wrk;
    private final Protocol protocol;

    /**
     * What came out.
     *
     * @param load as wrk saw it
     * @param collections how many during the load
     * @param collectionMillis their time
     * @param peak MiB resident at most, above what was before the server had its first connection
     * @param after MiB resident five seconds after the load, above the same
     * @param held MiB that the allocator has from the system then, resident or not
     */
    record Outcome(Wrk.Result load, long collections, long collectionMillis, double peak, double after, double held) {}

    /** Starts the JVM. */
    ServerRun(Candidate candidate, Protocol protocol, Path directory, Wrk wrk) throws IOException {
        this.wrk = wrk;
        this.protocol = protocol;
        List<String> flags = Tuning.flags(candidate.allocator(), FLAGS);
        this.jvm = new Fork(candidate.jdk(), flags, HttpLoadJvm.class, directory.toString(), candidate.allocator(),
            protocol.name());
    }

    Outcome measure() throws IOException, InterruptedException {
        warmUp();
        double start = ResidentSet.now(jvm.pid());
        try (ResidentSet resident = new ResidentSet(jvm.pid())) {
            int port = port();
            wrk.run(protocol.url(port), WARM_UP_SECONDS);
            long[] before = collections();
            Wrk.Result load = wrk.run(protocol.url(port), LOAD_SECONDS);
            long[] after = collections();
            SlowClients.run(protocol.isEncrypted(), port);
            Thread.sleep(SILENCE_MILLIS);
            double end = ResidentSet.now(jvm.pid());
            double peak = resident.stop().stream().mapToDouble(ResidentSet.Sample::mib).max().orElseThrow();
            return new Outcome(load, after[0] - before[0], after[1] - before[1], peak - start, end - start, held());
        }
    }

    /** Has the code compiled, by a server that is then closed. */
    private void warmUp() throws IOException, InterruptedException {
        int port = port();
        wrk.run(protocol.url(port), COMPILE_SECONDS);
        SlowClients.run(protocol.isEncrypted(), port);
        jvm.go();
        jvm.await("ready");
    }

    /** Of the next server, once it listens. */
    private int port() throws IOException {
        jvm.go();
        return Integer.parseInt(jvm.await("port"));
    }

    private long[] collections() throws IOException {
        jvm.go();
        String[] parts = jvm.await("collections").split(" ");
        return new long[] {Long.parseLong(parts[0]), Long.parseLong(parts[1])};
    }

    private double held() throws IOException {
        jvm.go();
        return Long.parseLong(jvm.await("held")) / MIB;
    }

    @Override
    public void close() {
        jvm.close();
    }
}
