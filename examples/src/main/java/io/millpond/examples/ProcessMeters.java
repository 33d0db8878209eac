package io.millpond.examples;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;

/**
 * What the operating system and the JVM say about this process: resident memory, processor time and garbage collection.
 * Reads Linux's {@code /proc}.
 */
final class ProcessMeters {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path CLEAR_REFS = Path.of("/proc/self/clear_refs");
    private static final String RESET_PEAK = "5";
    private static final long KIB = 1024;

    private boolean kernelKeepsPeak;
    private long sampledPeak;

    /**
     * Totals of all collectors since the JVM started.
     *
     * @param count collections
     * @param millis time spent in them
     */
    record Collections(long count, long millis) implements Serializable {
        Collections since(Collections earlier) {
            return new Collections(count - earlier.count, millis - earlier.millis);
        }
    }

    static long residentBytes() {
        return statusBytes("VmRSS:");
    }

    /** Returns the time that processors have spent on this process, on all its threads and in the kernel for it. */
    static long processorNanos() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
    }

    static Collections collections() {
        long count = 0;
        long millis = 0;
        for (GarbageCollectorMXBean bean : ManagementFactory.getGarbageCollectorMXBeans()) {
            count += bean.getCollectionCount();
            millis += bean.getCollectionTime();
        }
        return new Collections(count, millis);
    }

    static String collectors() {
        return ManagementFactory.getGarbageCollectorMXBeans().stream()
                .map(GarbageCollectorMXBean::getName)
                .collect(Collectors.joining(", "));
    }

    /** Forgets the peak so far. Where the kernel refuses to, the peak is the largest value that {@link #sample()} sees. */
    void resetPeak() {
        try {
            Files.writeString(CLEAR_REFS, RESET_PEAK);
            kernelKeepsPeak = true;
        } catch (IOException e) {
            kernelKeepsPeak = false;
        }
        sampledPeak = residentBytes();
    }

    void sample() {
        if (!kernelKeepsPeak) {
            sampledPeak = Math.max(sampledPeak, residentBytes());
        }
    }

    long peakResidentBytes() {
        return kernelKeepsPeak ? statusBytes("VmHWM:") : Math.max(sampledPeak, residentBytes());
    }

    private static long statusBytes(String key) {
        try {
            for (String line : Files.readAllLines(STATUS)) {
                if (line.startsWith(key)) {
                    return Long.parseLong(line.replaceAll("\\D", "")) * KIB;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + STATUS + ": this demo measures memory on Linux only", e);
        }
        throw new IllegalStateException(STATUS + " has no line " + key);
    }
}
