package io.millpond;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A JVM of the same kind as this one, for what cannot be tried twice in one. */
final class ForkedJvm {
    final int exitStatus;
    final String output;

    private ForkedJvm(int exitStatus, String output) {
        this.exitStatus = exitStatus;
        this.output = output;
    }

    /** Runs a class of the test class path and waits for it. Its two output streams are one. */
    static ForkedJvm run(List<String> flags, Class<?> main, String... arguments) throws IOException, InterruptedException {
        return run(System.getProperty("java.class.path"), flags, main, arguments);
    }

    static ForkedJvm run(String classPath, List<String> flags, Class<?> main, String... arguments)
        throws IOException, InterruptedException {
        return run(List.of(), classPath, flags, main, arguments);
    }

    /** The same where the shell's {@code ulimit} has set a limit. */
    static ForkedJvm runWithin(String ulimit, List<String> flags, Class<?> main, String... arguments)
        throws IOException, InterruptedException {
        List<String> shell = List.of("sh", "-c", "ulimit " + ulimit + " && exec \"$0\" \"$@\"");
        return run(shell, System.getProperty("java.class.path"), flags, main, arguments);
    }

    private static ForkedJvm run(List<String> prefix, String classPath, List<String> flags, Class<?> main, String... arguments)
        throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(prefix);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Xmx256m");
        command.addAll(flags);
        command.addAll(List.of("-cp", classPath, main.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        // It would print what it picked up.
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(5, TimeUnit.MINUTES)) {
            process.destroyForcibly();
            throw new AssertionError("the forked JVM did not end: " + output);
        }
        return new ForkedJvm(process.exitValue(), output);
    }

    /** The flag that lets this JVM's kind load libraries without a word; none where there is no such thing. */
    static List<String> nativeAccess() {
        return Runtime.version().feature() >= 22 ? List.of("--enable-native-access=ALL-UNNAMED") : List.of();
    }

    /** The flags with which it uses the library under test, and others. */
    static List<String> withLibrary(String... others) {
        List<String> flags = new ArrayList<>(nativeAccess());
        flags.add("-Dio.millpond.native.path=" + System.getProperty("io.millpond.native.path"));
        flags.addAll(List.of(others));
        return flags;
    }

    @Override
    public String toString() {
        return "exit status " + exitStatus + ", output: " + output;
    }
}
