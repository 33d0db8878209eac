package io.millpond.benchmarks.memory;

import io.millpond.benchmarks.Jdk;
import io.millpond.benchmarks.Tuning;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Who survives in a container. With a limit of 1200 MiB and a Java heap of at most 1 GiB, a burst of 600 MiB of buffers is
 * released, nothing happens for three seconds, and then the Java heap takes 600 MiB. Who kept the buffers is killed.
 *
 * <p>See {@link Measurements} for the command line. Where no memory cgroup can be made it says so, and measures nothing.
 */
public final class Container {
    static final String PROGRAM = "container";

    private static final List<String> FLAGS = List.of("-Xmx1g");
    private static final long LIMIT = 1200L << 20;
    private static final double MIB = 1 << 20;

    private Container() {}

    /**
     * Measures.
     *
     * @param args see above
     * @throws IOException if a JVM fails otherwise than by being killed, or records cannot be written
     * @throws InterruptedException if interrupted
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        Measurements measurements = new Measurements(PROGRAM, args, Retained.ALLOCATORS);
        try {
            create().close();
        } catch (IOException e) {
            System.out.println("[" + PROGRAM + "] not measured: " + e.getMessage());
            return;
        }
        measurements.run(Container::measure);
    }

    private static Cgroup create() throws IOException {
        return Cgroup.create("millpond-container-" + ProcessHandle.current().pid(), LIMIT);
    }

    private static List<MemoryFigure> measure(Jdk jdk, String allocator) throws IOException, InterruptedException {
        try (Cgroup cgroup = create();
            Fork jvm = new Fork(cgroup.prefix(), jdk, Tuning.flags(allocator, FLAGS), ContainerJvm.class, allocator)) {
            List<MemoryFigure> figures = new ArrayList<>();
            if (jvm.awaitOrEnd("silent") != null) {
                figures.add(figure(jdk, allocator, "before-heap", ResidentSet.now(jvm.pid())));
            }
            String outcome = outcome(jvm);
            if (cgroup.peak() >= 0) {
                figures.add(figure(jdk, allocator, "peak", cgroup.peak() / MIB));
            }
            figures.add(new MemoryFigure(PROGRAM, jdk.version(), allocator, "outcome", outcome, ""));
            return figures;
        }
    }

    private static MemoryFigure figure(Jdk jdk, String allocator, String key, double mib) {
        return MemoryFigure.number(PROGRAM, jdk.version(), allocator, key, mib, "MiB");
    }

    private static String outcome(Fork jvm) throws IOException, InterruptedException {
        boolean done = jvm.awaitOrEnd("survived") != null;
        int status = jvm.status();
        if (status == Fork.KILLED) {
            return "killed";
        }
        if (!done || status != 0) {
            throw new IOException("the JVM ended with status " + status + "; its own message is above");
        }
        return "survived";
    }
}
