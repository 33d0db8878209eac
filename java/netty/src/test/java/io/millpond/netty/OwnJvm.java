package io.millpond.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A JVM for what can be set once in each. */
final class OwnJvm {
    /** What a program says at its end, so that one that ended early is told. Other threads may log something behind it. */
    static final String DONE = "done";

    private OwnJvm() {
    }

    /** Runs a program with this class path to its end. */
    static void run(Class<?> main, Path nativeLibrary) throws IOException, InterruptedException {
        run(List.of(), main, nativeLibrary);
    }

    /** The same with more flags, and with arguments. */
    static void run(List<String> flags, Class<?> main, Path nativeLibrary, String... arguments)
        throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xmx256m", "-Dio.millpond.native.path=" + nativeLibrary));
        command.addAll(flags);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertTrue(output.lines().anyMatch(DONE::equals), output);
    }
}
