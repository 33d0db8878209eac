package io.millpond.benchmarks.memory;

import io.millpond.benchmarks.Allocator;
import java.io.IOException;

/** What {@link Retained} measures. */
final class RetainedJvm {
    private static final long BYTES = 1L << 30;

    private RetainedJvm() {}

    /**
     * Runs.
     *
     * @param args the name of the allocator
     * @throws IOException if nobody says how to go on
     * @throws InterruptedException never
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        Load.warmUp(args[0]);
        Allocator allocator = Allocator.named(args[0]);
        try (Load load = new Load(BYTES)) {
            Fork.say("ready", load.asked());
            Fork.pause();
            load.take(allocator);
            Fork.say("full", load.asked());
            Fork.pause();
            load.give(allocator);
            Fork.say("released", load.asked());
            Fork.pause();
            // Reachable until now, so that what came back did so by itself.
            allocator.close();
        }
    }
}
