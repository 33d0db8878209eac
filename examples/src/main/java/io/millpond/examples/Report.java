package io.millpond.examples;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** The comparison as a table, and the verdict. */
final class Report {
    /** How much larger the process may be five seconds after the transfer than before it. */
    static final long ALLOWED_GROWTH = 32L << 20;

    private final RunResult direct;
    private final RunResult pooled;

    Report(RunResult direct, RunResult pooled) {
        this.direct = direct;
        this.pooled = pooled;
    }

    String table() {
        StringBuilder table = new StringBuilder();
        row(table, "", result -> result.mode().title());
        row(table, "time", result -> Amount.seconds(result.outcome().nanos()));
        row(table, "rate", result -> Amount.bytes(result.outcome().bytes() * 1e9 / result.outcome().nanos()) + "/s");
        row(table, "processor time", result -> Amount.seconds(result.processorNanos()));
        row(table, "garbage collections", result -> Long.toString(result.collections().count()));
        row(table, "time in collections", result -> result.collections().millis() + " ms");
        row(table, "RSS at the start", result -> Amount.bytes(result.residentAtStart()));
        row(table, "RSS at the peak", result -> Amount.bytes(result.residentPeak()));
        row(table, "RSS five seconds after", result -> Amount.bytes(result.residentAfter()));
        row(table, "  against the start", result -> Amount.growth(result.residentGrowth()));
        row(table, "wrong hashes", result -> result.outcome().differing() + " of " + DemoWorker.CLIENTS);
        row(table, "buffers not released", result -> Long.toString(result.unreleased()));
        return table.toString();
    }

    String forgotten() {
        ForgottenBuffer buffer = pooled.forgotten();
        if (buffer == null) {
            return "A forgotten buffer was not tried, as others have leaked before.";
        }
        return String.format(Locale.ROOT, buffer.returned()
                        ? "A forgotten buffer of %s came back through the Cleaner after %d ms and %d System.gc()."
                        : "A forgotten buffer of %s did not come back in %d ms and %d System.gc().",
                Amount.bytes(buffer.size()), buffer.millis(), buffer.collections());
    }

    /** Returns what is wrong, one sentence each; empty if all is well. */
    List<String> problems() {
        List<String> problems = new ArrayList<>();
        for (RunResult result : List.of(direct, pooled)) {
            String title = result.mode().title();
            if (result.outcome().differing() > 0) {
                problems.add(title + ": " + result.outcome().differing() + " of " + DemoWorker.CLIENTS
                        + " clients received something else than what is in the file.");
            }
            if (result.unreleased() != 0) {
                problems.add(title + ": " + result.unreleased() + " buffers were never released.");
            }
        }
        if (pooled.residentGrowth() > ALLOWED_GROWTH) {
            problems.add("Millpond: five seconds after the end the process is "
                    + Amount.growth(pooled.residentGrowth()) + " against the start; " + Amount.growth(ALLOWED_GROWTH)
                    + " are allowed.");
        }
        if (pooled.forgotten() != null && !pooled.forgotten().returned()) {
            problems.add("Millpond: " + forgotten());
        }
        return problems;
    }

    private void row(StringBuilder table, String name, Function<RunResult, String> value) {
        table.append(String.format("%-24s%16s%16s%n", name, value.apply(direct), value.apply(pooled)));
    }
}
