package io.millpond.benchmarks.memory;

import io.millpond.benchmarks.Allocator;
import java.util.ArrayList;
import java.util.List;

/** What {@link Container} measures. */
final class ContainerJvm {
    private static final long BYTES = 600L << 20;
    /** Small enough for any collector to treat it as any other object. */
    private static final int OBJECT = 64 << 10;
    private static final long SILENCE_MILLIS = 3000;

    private ContainerJvm() {}

    /**
     * Runs.
     *
     * @param args the name of the allocator
     * @throws InterruptedException never
     */
    public static void main(String[] args) throws InterruptedException {
        Load.warmUp(args[0]);
        Allocator allocator = Allocator.named(args[0]);
        try (Load load = new Load(BYTES)) {
            load.take(allocator);
            load.give(allocator);
            Fork.say("released", load.asked());
            Thread.sleep(SILENCE_MILLIS);
            Fork.say("silent", SILENCE_MILLIS);
            List<byte[]> heap = new ArrayList<>();
            for (long bytes = 0; bytes < BYTES; bytes += OBJECT) {
                heap.add(new byte[OBJECT]);
            }
            Fork.say("survived", heap.size());
            allocator.close();
        }
    }
}
