package io.millpond.examples;

import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a worker found out, handed to its parent in a file.
 *
 * @param mode where the buffers came from
 * @param collectors names of the garbage collectors of the worker's JVM
 * @param outcome time, bytes and hashes
 * @param processorNanos processor time during the transfer, of all threads, the JVM's own included
 * @param collections garbage collections during the transfer
 * @param residentAtStart resident bytes before the transfer, after a warm-up
 * @param residentPeak largest number of resident bytes during the transfer
 * @param residentAfter resident bytes five seconds after the transfer
 * @param committedAfter bytes that the source still had from the operating system then
 * @param unreleased buffers that nobody had released at the end
 * @param leaksDetected leaks that somebody else than the source has seen
 * @param statistics what the source told about itself
 * @param forgotten what became of a buffer that was dropped without a release; null where that is all there is anyway
 */
record RunResult(
        Mode mode,
        String collectors,
        Work.Outcome outcome,
        long processorNanos,
        ProcessMeters.Collections collections,
        long residentAtStart,
        long residentPeak,
        long residentAfter,
        long committedAfter,
        long unreleased,
        long leaksDetected,
        String statistics,
        ForgottenBuffer forgotten)
        implements Serializable {

    long residentGrowth() {
        return residentAfter - residentAtStart;
    }

    void store(Path file) throws IOException {
        try (ObjectOutputStream out = new ObjectOutputStream(Files.newOutputStream(file))) {
            out.writeObject(this);
        }
    }

    static RunResult load(Path file) throws IOException {
        try (ObjectInputStream in = new ObjectInputStream(Files.newInputStream(file))) {
            return (RunResult) in.readObject();
        } catch (ClassNotFoundException e) {
            throw new IOException(file + " was not written by this version of the demo", e);
        }
    }
}
