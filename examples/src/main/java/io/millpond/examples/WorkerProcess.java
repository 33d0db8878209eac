package io.millpond.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Starts a {@link DemoWorker} in a JVM of its own, with the flags that make its resident memory comparable, and waits for it. */
final class WorkerProcess {
    /**
     * A heap of fixed size that is resident from the start: growth of the process is then growth outside the heap. It also is the
     * limit on direct memory, and that of the pool.
     */
    private static final List<String> HEAP = List.of("-Xms256m", "-Xmx256m", "-XX:+AlwaysPreTouch");

    /** From this version on the JVM warns about native libraries that were not announced. */
    private static final int WARNS_ABOUT_NATIVE_ACCESS = 24;

    private static final String OUR_PROPERTIES = "io.millpond.";

    private WorkerProcess() {}

    /**
     * Runs a worker and returns what it measured.
     *
     * @throws IOException if it fails; it has then said why on standard error
     */
    static RunResult run(Mode mode, List<Content> contents) throws IOException, InterruptedException {
        Path result = Files.createTempFile("millpond-demo-", ".result");
        result.toFile().deleteOnExit();
        try {
            Process process = new ProcessBuilder(command(mode, contents, result)).inheritIO().start();
            Thread killer = new Thread(process::destroyForcibly, "worker-killer");
            Runtime.getRuntime().addShutdownHook(killer);
            try {
                await(process, mode);
            } finally {
                process.destroyForcibly();
                Runtime.getRuntime().removeShutdownHook(killer);
            }
            return RunResult.load(result);
        } finally {
            Files.deleteIfExists(result);
        }
    }

    private static void await(Process process, Mode mode) throws IOException, InterruptedException {
        int status = process.waitFor();
        if (status != 0) {
            throw new IOException("the run with " + mode.title() + " ended with exit status " + status);
        }
    }

    private static List<String> command(Mode mode, List<Content> contents, Path result) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(HEAP);
        if (Runtime.version().feature() >= WARNS_ABOUT_NATIVE_ACCESS) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        for (String name : System.getProperties().stringPropertyNames()) {
            if (name.startsWith(OUR_PROPERTIES)) {
                command.add("-D" + name + "=" + System.getProperty(name));
            }
        }
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(DemoWorker.class.getName());
        command.add(mode.name());
        command.add(result.toString());
        for (Content content : contents) {
            command.add(content.file().toString());
            command.add(Long.toString(content.length()));
            command.add(HexFormat.of().formatHex(content.sha256()));
        }
        return command;
    }
}
