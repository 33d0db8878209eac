package io.millpond.examples;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** What workers have found out, a column for each, and the verdict. */
final class Report {
    /** How much larger the process may be five seconds after the transfer than before it. */
    static final long ALLOWED_GROWTH = 32L << 20;

    /** How much of that a pool may still have from the operating system, whatever else the process has grown by. */
    static final long ALLOWED_COMMITTED = 1L << 20;

    private final List<RunResult> results;

    Report(RunResult... results) {
        this.results = List.of(results);
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
        row(table, "wrong hashes", result -> result.outcome().differing() + " of " + result.outcome().hashes());
        row(table, "buffers not released", result -> Long.toString(result.unreleased()));
        row(table, "leaks Netty reported", result -> result.mode() == Mode.NETTY ? Long.toString(result.leaksDetected()) : "");
        return table.toString();
    }

    /** Returns what became of a buffer that was forgotten on purpose. */
    static String forgotten(ForgottenBuffer buffer) {
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
        for (RunResult result : results) {
            problemsOf(result).forEach(problem -> problems.add(result.mode().title() + ": " + problem));
        }
        return problems;
    }

    private static List<String> problemsOf(RunResult result) {
        List<String> problems = new ArrayList<>();
        Work.Outcome outcome = result.outcome();
        if (outcome.differing() > 0) {
            problems.add(outcome.differing() + " of " + outcome.hashes() + " times a client received something else than what "
                    + "is in the file.");
        }
        if (result.unreleased() != 0) {
            problems.add(result.unreleased() + " buffers were never released.");
        }
        if (result.leaksDetected() != 0) {
            problems.add("Netty's leak detector has reported " + result.leaksDetected() + " leaks.");
        }
        if (result.mode().isPooled() && result.residentGrowth() > ALLOWED_GROWTH) {
            problems.add("five seconds after the end the process is " + Amount.growth(result.residentGrowth())
                    + " against the start; " + Amount.growth(ALLOWED_GROWTH) + " are allowed.");
        }
        if (result.mode().isPooled() && result.committedAfter() > ALLOWED_COMMITTED) {
            problems.add("five seconds after the end the pool still has " + Amount.bytes(result.committedAfter())
                    + " from the operating system; " + Amount.bytes(ALLOWED_COMMITTED) + " are allowed.");
        }
        if (result.forgotten() != null && !result.forgotten().returned()) {
            problems.add(forgotten(result.forgotten()));
        }
        return problems;
    }

    private void row(StringBuilder table, String name, Function<RunResult, String> value) {
        List<String> values = results.stream().map(value).toList();
        if (values.stream().allMatch(String::isEmpty)) {
            return;
        }
        table.append(String.format("%-24s", name));
        values.forEach(each -> table.append(String.format("%16s", each)));
        table.append(System.lineSeparator());
    }
}
