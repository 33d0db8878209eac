package io.millpond.examples;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;

/**
 * One half of the comparison, in a JVM of its own. Resident memory is a property of a process: in a shared one the second half
 * would inherit what the first has left in the heap, in malloc and in the code cache, and neither number would mean anything.
 *
 * <p>A warm-up with a source of its own comes first, so that compiled code, loaded classes, thread stacks and the JDK's own
 * buffers are there before the first measurement, and what is measured is the memory of the buffers.
 */
final class DemoWorker {
    /** Nothing may take longer than this, whatever goes wrong. */
    static final Duration LIFETIME = Duration.ofSeconds(28);

    static final int CLIENTS = 16;

    private static final long WARM_UP_BYTES = 64L << 20;
    private static final Duration WARM_UP_DEADLINE = Duration.ofSeconds(10);
    private static final Duration TRANSFER_DEADLINE = Duration.ofSeconds(16);
    private static final Duration FORGOTTEN_DEADLINE = Duration.ofSeconds(4);
    private static final long REST_MILLIS = 5_000;
    private static final long SETTLE_MILLIS = 500;

    private final Mode mode;
    private final Content content;
    private final PrintStream out;

    private DemoWorker(Mode mode, Content content, PrintStream out) {
        this.mode = mode;
        this.content = content;
        this.out = out;
    }

    /** Arguments: mode, file, bytes of it to serve, their SHA-256 in hexadecimal, file for the result. */
    public static void main(String[] args) {
        startWatchdog();
        try {
            Content content = new Content(Path.of(args[1]), Long.parseLong(args[2]), HexFormat.of().parseHex(args[3]));
            RunResult result = new DemoWorker(Mode.valueOf(args[0]), content, System.out).run();
            result.store(Path.of(args[4]));
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            System.out.flush();
            System.err.println(args[0] + ": " + e.getMessage());
            e.printStackTrace();
            System.exit(FileServerDemo.FAILED);
        }
    }

    private RunResult run() throws IOException, InterruptedException {
        warmUp();
        try (BufferSource source = mode.open("file-server")) {
            ProcessMeters meters = new ProcessMeters();
            meters.resetPeak();
            long atStart = ProcessMeters.residentBytes();
            long processorBefore = ProcessMeters.processorNanos();
            ProcessMeters.Collections before = ProcessMeters.collections();

            Transfer.Outcome outcome = transfer(source, meters);

            long processorNanos = ProcessMeters.processorNanos() - processorBefore;
            ProcessMeters.Collections collections = ProcessMeters.collections().since(before);
            long peak = meters.peakResidentBytes();
            long unreleased = source.unreleased();
            Thread.sleep(REST_MILLIS);
            long after = ProcessMeters.residentBytes();
            String statistics = source.statistics();
            ForgottenBuffer forgotten =
                    mode == Mode.MILLPOND && unreleased == 0 ? ForgottenBuffer.demonstrate(source, FORGOTTEN_DEADLINE) : null;
            return new RunResult(mode, ProcessMeters.collectors(), outcome, processorNanos, collections, atStart, peak,
                    after, unreleased, statistics, forgotten);
        }
    }

    private void warmUp() throws IOException, InterruptedException {
        try (BufferSource source = mode.open("warm-up")) {
            Content part = Content.of(content.file(), Math.min(content.length(), WARM_UP_BYTES));
            new Transfer(part, CLIENTS, source).run(WARM_UP_DEADLINE, (bytes, usage) -> { });
        }
        System.gc();
        Thread.sleep(SETTLE_MILLIS);
        MallocTrim.run();
    }

    private Transfer.Outcome transfer(BufferSource source, ProcessMeters meters) throws IOException, InterruptedException {
        ProgressLine progress =
                new ProgressLine(out, ProgressLine.isTerminal(), mode.title(), content.length() * CLIENTS);
        try {
            Transfer.Outcome outcome = new Transfer(content, CLIENTS, source).run(TRANSFER_DEADLINE, (bytes, usage) -> {
                meters.sample();
                progress.look(bytes, usage);
            });
            progress.finish(outcome.bytes(), source.usage());
            return outcome;
        } catch (IOException e) {
            progress.leave();
            throw e;
        }
    }

    private static void startWatchdog() {
        Thread watchdog = new Thread(() -> {
            try {
                Thread.sleep(LIFETIME.toMillis());
            } catch (InterruptedException e) {
                return;
            }
            System.err.println("the demo did not end within " + LIFETIME.toSeconds() + " s and is stopped");
            Runtime.getRuntime().halt(FileServerDemo.FAILED);
        }, "watchdog");
        watchdog.setDaemon(true);
        watchdog.start();
    }
}
