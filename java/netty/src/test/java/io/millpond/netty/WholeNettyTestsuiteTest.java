package io.millpond.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectPackage;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectUniqueId;

import io.netty.testsuite.transport.TestsuitePermutation;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * All of Netty's testsuite, TLS and what takes minutes included, with Millpond's allocator. What fails is run again with
 * Netty's own: if it fails there as well, it is not about the allocator, but about what this machine or class path lacks.
 */
@Tag("soak")
class WholeNettyTestsuiteTest {
    /** It has far more; fewer were not found rather than passed. */
    private static final int LEAST_TESTS = 100;

    @Test
    void whatFailsHereFailsWithNettysAllocatorsToo() {
        AtomicInteger passed = new AtomicInteger();
        Map<String, Throwable> failures = run(List.of(selectPackage("io.netty.testsuite")), passed);
        System.out.println(passed + " tests of Netty's passed, " + failures.size() + " did not.");
        assertTrue(passed.get() >= LEAST_TESTS, () -> "only " + passed + " passed; failed: " + failures);

        TestsuitePermutation.useNettys();
        List<? extends DiscoverySelector> again = failures.keySet().stream().map(id -> selectUniqueId(id)).toList();
        Map<String, Throwable> withoutMillpond = run(again, new AtomicInteger());
        withoutMillpond.forEach((id, cause) -> System.out.println("Nor without Millpond: " + id + ": " + cause));
        failures.keySet().removeAll(withoutMillpond.keySet());
        assertEquals(Map.of(), failures, "these pass with Netty's allocators");
    }

    /** Runs them and says which did not pass, skipped ones included, by their unique ids. */
    private static Map<String, Throwable> run(List<? extends DiscoverySelector> selectors, AtomicInteger passed) {
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request().selectors(selectors).build();
        Map<String, Throwable> failures = new TreeMap<>();
        LauncherFactory.create().execute(request, new TestExecutionListener() {
            @Override
            public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                if (result.getStatus() == TestExecutionResult.Status.SUCCESSFUL) {
                    passed.addAndGet(test.isTest() ? 1 : 0);
                } else {
                    failures.put(test.getUniqueId(), result.getThrowable().orElse(null));
                }
            }
        });
        return failures;
    }
}
