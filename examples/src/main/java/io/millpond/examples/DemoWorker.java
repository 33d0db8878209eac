package io.millpond.examples;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * One part of the demo, in a JVM of its own. Resident memory is a property of a process: in a shared one the second part would
 * inherit what the first has left in the heap, in malloc and in the code cache, and neither number would mean anything.
 *
 * <p>A warm-up with a source of its own comes first, so that compiled code, loaded classes, thread stacks and the JDK's own
 * buffers are there before the first measurement, and what is measured is the memory of the buffers.
 */
final class DemoWorker {
    /** Far beyond what the housekeeper and the collector need; only a demo that fails waits so long. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final long REST_MILLIS = 5_000;
    private static final long SETTLE_MILLIS = 500;
    private static final long LOOK_MILLIS = 50;

    private final Mode mode;
    private final List<Content> contents;
    private final PrintStream out;
    private final Watchdog watchdog = new Watchdog();

    private DemoWorker(Mode mode, List<Content> contents, PrintStream out) {
        this.mode = mode;
        this.contents = contents;
        this.out = out;
    }

    /** Arguments: mode, file for the result, and of each file to serve: path, bytes of it, their SHA-256 in hexadecimal. */
    public static void main(String[] args) {
        try {
            List<Content> contents = new ArrayList<>();
            for (int i = 2; i < args.length; i += 3) {
                byte[] sha256 = HexFormat.of().parseHex(args[i + 2]);
                contents.add(new Content(Path.of(args[i]), Long.parseLong(args[i + 1]), sha256));
            }
            RunResult result = new DemoWorker(Mode.valueOf(args[0]), contents, System.out).run();
            result.store(Path.of(args[1]));
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            System.out.flush();
            System.err.println(args[0] + ": " + e.getMessage());
            e.printStackTrace();
            System.exit(FileServerDemo.FAILED);
        }
    }

    private RunResult run() throws IOException, InterruptedException {
        watchdog.start(FileServerDemo.FAILED);
        warmUp();
        try (Work work = mode.open("file-server", contents)) {
            BufferSource source = work.source();
            ProcessMeters meters = new ProcessMeters();
            meters.resetPeak();
            long atStart = ProcessMeters.residentBytes();
            long processorBefore = ProcessMeters.processorNanos();
            ProcessMeters.Collections before = ProcessMeters.collections();

            Work.Outcome outcome = transfer(work, meters);

            long processorNanos = ProcessMeters.processorNanos() - processorBefore;
            ProcessMeters.Collections collections = ProcessMeters.collections().since(before);
            long peak = meters.peakResidentBytes();
            long unreleased = source.unreleased();
            rest(source);
            long after = ProcessMeters.residentBytes();
            long committedAfter = source.usage().committed();
            String statistics = source.statistics();
            long leaksDetected = work.leaksDetected();
            ForgottenBuffer forgotten =
                    mode == Mode.MILLPOND && unreleased == 0 ? ForgottenBuffer.demonstrate(source, PATIENCE) : null;
            return new RunResult(mode, ProcessMeters.collectors(), outcome, processorNanos, collections, atStart, peak,
                    after, committedAfter, unreleased, leaksDetected, statistics, forgotten);
        }
    }

    /** Five seconds; more only where the machine is so busy that a pool has not got round to giving its memory back. */
    private void rest(BufferSource source) throws InterruptedException {
        Thread.sleep(REST_MILLIS);
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (mode.isPooled() && source.usage().committed() > Report.ALLOWED_COMMITTED && System.nanoTime() < end) {
            Thread.sleep(LOOK_MILLIS);
        }
    }

    private void warmUp() throws IOException, InterruptedException {
        try (Work work = mode.openWarmUp(contents)) {
            work.run(watched((bytes, usage) -> { }));
        }
        System.gc();
        Thread.sleep(SETTLE_MILLIS);
        MallocTrim.run();
    }

    private Work.Outcome transfer(Work work, ProcessMeters meters) throws IOException, InterruptedException {
        ProgressLine progress = new ProgressLine(out, ProgressLine.isTerminal(), mode.title(), work.totalBytes());
        try {
            Work.Outcome outcome = work.run(watched((bytes, usage) -> {
                meters.sample();
                progress.look(bytes, usage);
            }));
            progress.finish(outcome.bytes(), work.source().usage());
            return outcome;
        } catch (IOException e) {
            progress.leave();
            throw e;
        }
    }

    /** Lets the watchdog know of the bytes that arrive. */
    private Work.Watcher watched(Work.Watcher watcher) {
        long[] last = {-1};
        return (bytes, usage) -> {
            if (bytes != last[0]) {
                last[0] = bytes;
                watchdog.pat();
            }
            watcher.look(bytes, usage);
        };
    }
}
