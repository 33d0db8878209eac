package io.millpond.benchmarks.memory;

import io.millpond.benchmarks.Allocator;
import io.millpond.benchmarks.Jdk;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * What buffers cost on the Java heap, in bytes for each of 100 000 buffers of 1 KiB of one thread: while they are live, when
 * they have been released, and (Millpond only) what is left of that after twice the decay time without any call. The array
 * that refers to the live ones is not counted.
 *
 * <p>See {@link Measurements} for the command line.
 */
public final class HeapGrowth {
    static final String PROGRAM = "heap-growth";

    private static final List<String> ALLOCATORS = List.of(Allocator.MILLPOND, Allocator.MILLPOND_NETTY, Allocator.POOLED,
        Allocator.ADAPTIVE, Allocator.UNPOOLED, Allocator.DIRECT);
    private static final List<String> FLAGS = List.of("-Xms1g", "-Xmx1g", "-XX:MaxDirectMemorySize=1g");

    private HeapGrowth() {}

    /**
     * Measures.
     *
     * @param args see above
     * @throws IOException if a JVM fails, or records cannot be written
     * @throws InterruptedException if interrupted
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        new Measurements(PROGRAM, args, ALLOCATORS).run(HeapGrowth::measure);
    }

    private static List<MemoryFigure> measure(Jdk jdk, String allocator) throws IOException, InterruptedException {
        List<MemoryFigure> figures = new ArrayList<>();
        try (Fork jvm = new Fork(jdk, FLAGS, HeapGrowthJvm.class, allocator)) {
            for (String line = jvm.awaitOrEnd("heap"); line != null; line = jvm.awaitOrEnd("heap")) {
                String[] parts = line.split(" ");
                double bytes = Double.parseDouble(parts[1]);
                figures.add(MemoryFigure.number(PROGRAM, jdk.version(), allocator, parts[0], bytes, "B"));
            }
            if (jvm.status() != 0) {
                throw new IOException("the JVM ended with status " + jvm.status() + "; its own message is above");
            }
        }
        return figures;
    }
}
