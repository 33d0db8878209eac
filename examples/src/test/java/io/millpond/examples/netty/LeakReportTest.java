package io.millpond.examples.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.millpond.BufferPool;
import io.millpond.netty.MillpondByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** In a JVM of its own, because leaks are counted for the whole process. */
class LeakReportTest {
    private static final int FORGOTTEN = 3;

    /** Forgets some buffers, keeps one and prints the report. */
    static final class Main {
        private Main() {}

        public static void main(String[] arguments) throws InterruptedException {
            LeakReport.watch(ResourceLeakDetector.Level.PARANOID);
            BufferPool pool = BufferPool.builder().name("leaks").build();
            MillpondByteBufAllocator allocator = new MillpondByteBufAllocator(pool);
            Object kept = allocator.directBuffer(100);
            for (int i = 0; i < FORGOTTEN; i++) {
                allocator.directBuffer(100);
            }
            for (int i = 0; i < 100 && pool.stats().forgottenBuffers() < FORGOTTEN; i++) {
                LeakReport.of(pool);
            }
            System.out.println(LeakReport.of(pool) + " " + (kept != null));
        }
    }

    @Test
    void leaksAreReported() throws Exception {
        Process process = new ProcessBuilder(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m", "-Dio.millpond.native.path=" + System.getProperty("io.millpond.native.path"),
                "-cp", System.getProperty("java.class.path"), Main.class.getName())).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertTrue(output.contains("Leak report: 1 live buffers, 3 forgotten, "), output);
        // Leaks with the same trace are reported once.
        assertTrue(output.contains(" 1 reported by Netty's leak detector."), output);
        assertTrue(output.contains("LEAK: ByteBuf.release() was not called"), output);
    }
}
