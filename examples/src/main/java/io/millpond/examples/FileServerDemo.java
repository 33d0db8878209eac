package io.millpond.examples;

import io.millpond.examples.netty.SelfSigned;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Streams a file over loopback to 16 clients at once, first with {@code ByteBuffer.allocateDirect} for each buffer and then with
 * a Millpond pool, each in a JVM of its own, and prints the two side by side. Then serves some files of the JDK by HTTP over
 * TLS to 64 connections, with Netty and Millpond's allocator in it.
 *
 * <p>The file is the first argument, or the environment variable {@code FILE}, or else the {@code lib/modules} of the running
 * JDK. Exit status 0: all is well. 1: a hash differs, a buffer leaked, memory did not come back, or a run failed. 2: the file
 * cannot be served.
 */
public final class FileServerDemo {
    static final int OK = 0;
    static final int FAILED = 1;
    static final int BAD_USAGE = 2;

    /** More of a file than this is not served, so that the demo keeps to its minute. */
    static final long MOST_SERVED = 256L << 20;

    private static final String FILE_VARIABLE = "FILE";

    private FileServerDemo() {}

    /**
     * Runs the demo and ends the JVM with its exit status.
     *
     * @param args nothing, or the file to serve
     * @throws InterruptedException if somebody interrupts the main thread
     */
    public static void main(String[] args) throws InterruptedException {
        System.exit(run(args, System.getenv(), System.out, System.err));
    }

    static int run(String[] args, Map<String, String> environment, PrintStream out, PrintStream err)
            throws InterruptedException {
        if (args.length > 1) {
            err.println("usage: FileServerDemo [file]");
            return BAD_USAGE;
        }
        Path file = chooseFile(args, environment);
        String objection = objectionTo(file);
        if (objection != null) {
            err.println(objection + " Name another one with FILE=<path>, or none for the JDK's lib/modules.");
            return BAD_USAGE;
        }
        try {
            return demonstrate(file, out, err);
        } catch (IOException e) {
            err.println("FAILED: " + e.getMessage());
            return FAILED;
        }
    }

    private static Path chooseFile(String[] args, Map<String, String> environment) {
        if (args.length == 1 && !args[0].isEmpty()) {
            return Path.of(args[0]);
        }
        String named = environment.getOrDefault(FILE_VARIABLE, "");
        return named.isEmpty() ? Path.of(System.getProperty("java.home"), "lib", "modules") : Path.of(named);
    }

    private static String objectionTo(Path file) {
        if (!Files.exists(file)) {
            return "The file to serve does not exist: " + file + ".";
        }
        if (!Files.isRegularFile(file)) {
            return "What is to be served is not a regular file: " + file + ".";
        }
        return Files.isReadable(file) ? null : "The file to serve cannot be read: " + file + ".";
    }

    private static int demonstrate(Path file, PrintStream out, PrintStream err) throws IOException, InterruptedException {
        List<String> problems = new ArrayList<>(compare(file, out));
        problems.addAll(withNetty(out));
        problems.forEach(problem -> err.println("FAILED: " + problem));
        if (problems.isEmpty()) {
            out.println("All hashes agree, no buffer leaked, and the memory came back.");
        }
        out.flush();
        return problems.isEmpty() ? OK : FAILED;
    }

    /** The two halves of the comparison. */
    private static List<String> compare(Path file, PrintStream out) throws IOException, InterruptedException {
        long size = Files.size(file);
        Content content = Content.of(file, Math.min(size, MOST_SERVED));
        out.printf("Serving %s%s (%s) to %d clients at once, on Java %s with %d processors.%n",
                size > content.length() ? "the start of " : "", file, Amount.bytes(content.length()), Mode.MILLPOND.clients(),
                Runtime.version(), Runtime.getRuntime().availableProcessors());
        out.println("Each half runs in a JVM of its own, is warmed up, and rests for five seconds at the end.");
        out.flush();

        RunResult direct = WorkerProcess.run(Mode.DIRECT, List.of(content));
        RunResult pooled = WorkerProcess.run(Mode.MILLPOND, List.of(content));

        Report report = new Report(direct, pooled);
        out.printf("%n%sCollectors: %s%n%nMillpond's own statistics, five seconds after:%n%s%n%s%n", report.table(),
                pooled.collectors(), pooled.statistics(), Report.forgotten(pooled.forgotten()));
        return report.problems();
    }

    /** The same questions to Millpond's allocator in Netty. */
    private static List<String> withNetty(PrintStream out) throws IOException, InterruptedException {
        List<Content> files = SomeFiles.ofTheJdk();
        out.printf("%nThe same with Netty: %d files (%s) over HTTP/1.1 to %d connections that are kept alive, with TLS by %s.%n",
                files.size(), SomeFiles.sizes(files), Mode.NETTY.clients(), SelfSigned.bestProvider());
        out.flush();
        RunResult result = WorkerProcess.run(Mode.NETTY, files);
        Report report = new Report(result);
        out.printf("%n%s%nMillpond's own statistics, five seconds after:%n%s%n", report.table(), result.statistics());
        return report.problems();
    }
}
