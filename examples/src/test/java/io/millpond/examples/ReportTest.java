package io.millpond.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
    private static final long START = 300L << 20;
    private static final ForgottenBuffer CAME_BACK = new ForgottenBuffer(1_000_000, true, 40, 2);
    private static final RunResult DIRECT = result(Mode.DIRECT, 0, START + (500L << 20), 0, null);
    private static final RunResult POOLED = result(Mode.MILLPOND, 0, START + Report.ALLOWED_GROWTH, 0, CAME_BACK);

    @Test
    void aGoodRunHasNoProblems() {
        assertEquals(List.of(), new Report(DIRECT, POOLED).problems());
    }

    @Test
    void bothColumnsAreInTheTable() {
        String table = new Report(DIRECT, POOLED).table();
        assertTrue(table.lines().findFirst().orElseThrow().matches("\\s+allocateDirect\\s+Millpond"), table);
        assertTrue(table.lines().anyMatch(line -> line.matches("\\s+against the start\\s+\\+500.0 MiB\\s+\\+32.0 MiB")), table);
    }

    @Test
    void wrongHashesAreAProblem() {
        assertProblem(new Report(result(Mode.DIRECT, 3, START, 0, null), POOLED), "allocateDirect: 3 of 16 times");
        assertProblem(new Report(DIRECT, result(Mode.MILLPOND, 16, START, 0, CAME_BACK)), "Millpond: 16 of 16 times");
    }

    @Test
    void aLeakIsAProblem() {
        assertProblem(new Report(DIRECT, result(Mode.MILLPOND, 0, START, 2, CAME_BACK)), "Millpond: 2 buffers");
    }

    @Test
    void memoryThatStaysIsAProblem() {
        RunResult grown = result(Mode.MILLPOND, 0, START + Report.ALLOWED_GROWTH + 1, 0, CAME_BACK);
        assertProblem(new Report(DIRECT, grown), "five seconds after the end");
    }

    @Test
    void aPoolThatKeepsItsMemoryIsAProblem() {
        assertProblem(new Report(netty(Report.ALLOWED_COMMITTED + 1, 0)), "Netty: five seconds after the end the pool still has");
    }

    @Test
    void leaksThatNettyReportsAreAProblem() {
        assertProblem(new Report(netty(0, 3)), "Netty: Netty's leak detector has reported 3 leaks");
        assertEquals(List.of(), new Report(netty(0, 0)).problems());
    }

    @Test
    void onlyNettyHasARowForItsLeaks() {
        assertTrue(new Report(netty(0, 3)).table().contains("leaks Netty reported"));
        assertFalse(new Report(DIRECT, POOLED).table().contains("leaks Netty reported"));
    }

    @Test
    void aForgottenBufferThatStaysAwayIsAProblem() {
        ForgottenBuffer lost = new ForgottenBuffer(1_000_000, false, 4_000, 160);
        assertProblem(new Report(DIRECT, result(Mode.MILLPOND, 0, START, 0, lost)), "did not come back in 4000 ms");
    }

    @Test
    void aResultSurvivesTheWayThroughAFile(@TempDir Path directory) throws Exception {
        Path file = Files.createTempFile(directory, "run", ".result");
        POOLED.store(file);
        assertEquals(POOLED, RunResult.load(file));
    }

    private static void assertProblem(Report report, String part) {
        assertEquals(1, report.problems().size(), report.problems().toString());
        assertTrue(report.problems().get(0).contains(part), report.problems().toString());
    }

    private static RunResult netty(long committedAfter, long leaks) {
        return new RunResult(Mode.NETTY, "G1", new Work.Outcome(1, 1, 1, 0), 1, new ProcessMeters.Collections(0, 0), START, START,
                START, committedAfter, 0, leaks, "", null);
    }

    private static RunResult result(Mode mode, int differing, long residentAfter, long live, ForgottenBuffer forgotten) {
        return new RunResult(mode, "G1", new Work.Outcome(1_000_000_000L, 2L << 30, 16, differing), 3_000_000_000L,
                new ProcessMeters.Collections(3, 30), START, residentAfter + 1, residentAfter, 0, live, 0, "", forgotten);
    }
}
