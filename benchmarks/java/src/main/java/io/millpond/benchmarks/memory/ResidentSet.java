package io.millpond.benchmarks.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The resident memory of another process, looked at ten times a second until {@link #close()}.
 *
 * <p>Threading: for one thread, which is not the one that looks.
 */
public final class ResidentSet implements AutoCloseable {
    private static final long INTERVAL_MILLIS = 100;
    private static final String FIELD = "VmRSS:";
    private static final double KIB_PER_MIB = 1024;
    private static final double NANOS_PER_SECOND = 1e9;

    private final long pid;
    private final List<Sample> samples = new ArrayList<>();
    private final Thread thread = new Thread(this::look, "resident set");

    /**
     * What was resident when.
     *
     * @param nanos as {@link System#nanoTime()}
     * @param mib MiB
     */
    public record Sample(long nanos, double mib) {
        double secondsSince(long start) {
            return (nanos - start) / NANOS_PER_SECOND;
        }
    }

    /**
     * Begins to look.
     *
     * @param pid whose memory to look at
     */
    public ResidentSet(long pid) {
        this.pid = pid;
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * What is resident now.
     *
     * @param pid whose memory to look at
     * @return MiB
     * @throws IOException if that process has ended
     */
    public static double now(long pid) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc", Long.toString(pid), "status"))) {
            if (line.startsWith(FIELD)) {
                return Long.parseLong(line.substring(FIELD.length()).replace("kB", "").strip()) / KIB_PER_MIB;
            }
        }
        throw new IOException("process " + pid + " has ended");
    }

    private void look() {
        try {
            while (true) {
                Sample sample = new Sample(System.nanoTime(), now(pid));
                synchronized (samples) {
                    samples.add(sample);
                }
                Thread.sleep(INTERVAL_MILLIS);
            }
        } catch (IOException | InterruptedException e) {
            // The process ended, or nobody wants to know any more: there is no more to see.
            return;
        }
    }

    /**
     * Stops looking.
     *
     * @return what was seen, the earliest first
     * @throws InterruptedException if interrupted
     */
    public List<Sample> stop() throws InterruptedException {
        thread.interrupt();
        thread.join();
        return List.copyOf(samples);
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
