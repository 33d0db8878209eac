package io.millpond.examples;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** One line that is written over ten times a second on a terminal, or printed once a second elsewhere. */
final class ProgressLine implements Work.Watcher {
    private static final long TERMINAL_NANOS = 100_000_000L;
    private static final long LOG_NANOS = 1_000_000_000L;

    /** Overwrites the line, and cuts it at the right margin instead of wrapping it. */
    private static final String REWRITE = "\r\u001b[?7l%s\u001b[K\u001b[?7h";

    private final PrintStream out;
    private final boolean terminal;
    private final String label;
    private final long totalBytes;
    private final long start = System.nanoTime();
    private long lastShown = start;
    private long lastBytes;

    ProgressLine(PrintStream out, boolean terminal, String label, long totalBytes) {
        this.out = out;
        this.terminal = terminal;
        this.label = label;
        this.totalBytes = totalBytes;
    }

    /** Tells whether standard output is a terminal, also when standard input is not one. */
    static boolean isTerminal() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void look(long bytes, BufferSource.Usage usage) {
        long now = System.nanoTime();
        if (now - lastShown >= (terminal ? TERMINAL_NANOS : LOG_NANOS)) {
            show(bytes, (bytes - lastBytes) * 1e9 / (now - lastShown), usage);
            lastShown = now;
            lastBytes = bytes;
        }
    }

    /** Shows the final state, with the rate of the whole run, and leaves the line. */
    void finish(long bytes, BufferSource.Usage usage) {
        show(bytes, bytes * 1e9 / (System.nanoTime() - start), usage);
        leave();
    }

    /** Leaves the line as it is, so that whatever is printed next starts on a new one. */
    void leave() {
        if (terminal) {
            out.println();
        }
        out.flush();
    }

    private void show(long bytes, double bytesPerSecond, BufferSource.Usage usage) {
        String line = String.format(Locale.ROOT, "%-14s %3d%%  %9s  %9s/s  live %3d  used %9s  cached %9s  committed %9s",
                label, totalBytes == 0 ? 100 : bytes * 100 / totalBytes, Amount.bytes(bytes), Amount.bytes(bytesPerSecond),
                usage.liveBuffers(), Amount.bytes(usage.used()), Amount.bytes(usage.cached()),
                Amount.bytes(usage.committed()));
        if (terminal) {
            out.printf(REWRITE, line);
            out.flush();
        } else {
            out.println(line);
        }
    }
}
