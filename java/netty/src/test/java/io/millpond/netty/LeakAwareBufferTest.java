package io.millpond.netty;

import io.netty.util.ResourceLeakDetector;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The same tests on buffers that Netty's leak detector has wrapped, and that records each access. */
class LeakAwareBufferTest extends DirectBufferTest {
    private static ResourceLeakDetector.Level level;

    @BeforeAll
    static void watch() {
        level = ResourceLeakDetector.getLevel();
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
    }

    @AfterAll
    static void restore() {
        ResourceLeakDetector.setLevel(level);
    }
}
