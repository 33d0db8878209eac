package io.millpond.examples;

import io.millpond.examples.netty.LeakReport;
import io.millpond.examples.netty.SelfSigned;
import io.netty.util.ResourceLeakDetector;
import java.io.IOException;
import java.util.List;

/** What a worker can be told to do: the two ways to get buffers that are compared, and the allocator for Netty. */
enum Mode {
    DIRECT("allocateDirect", 16) {
        @Override
        Work open(String name, List<Content> files) {
            return new Transfer(files.get(0), clients(), new DirectSource());
        }
    },
    MILLPOND("Millpond", 16) {
        @Override
        Work open(String name, List<Content> files) {
            return new Transfer(files.get(0), clients(), pooled(name));
        }
    },
    NETTY("Netty", 64) {
        @Override
        Work open(String name, List<Content> files) throws IOException, InterruptedException {
            LeakReport.watch(ResourceLeakDetector.Level.SIMPLE);
            return new HttpTransfer(files, clients(), SelfSigned.bestProvider(), pooled(name));
        }

        /** The smaller files, with Netty watching every buffer: that is too slow for what is measured. */
        @Override
        Work openWarmUp(List<Content> files) throws IOException, InterruptedException {
            Work work = open(WARM_UP, files.subList(files.size() / 2, files.size()));
            LeakReport.watch(ResourceLeakDetector.Level.PARANOID);
            return work;
        }
    };

    private static final String WARM_UP = "warm-up";
    private static final long WARM_UP_BYTES = 64L << 20;

    private final String title;
    private final int clients;

    Mode(String title, int clients) {
        this.title = title;
        this.clients = clients;
    }

    String title() {
        return title;
    }

    int clients() {
        return clients;
    }

    /** Returns whether this uses Millpond, so that memory has to come back. */
    boolean isPooled() {
        return this != DIRECT;
    }

    /** Opens work with as much memory as {@code allocateDirect} may use: the maximum size of the Java heap. */
    abstract Work open(String name, List<Content> files) throws IOException, InterruptedException;

    /** Opens less of the same work. */
    Work openWarmUp(List<Content> files) throws IOException, InterruptedException {
        Content whole = files.get(0);
        return open(WARM_UP, List.of(Content.of(whole.file(), Math.min(whole.length(), WARM_UP_BYTES))));
    }

    private static MillpondSource pooled(String name) {
        return new MillpondSource(name, Runtime.getRuntime().maxMemory());
    }
}
