package io.millpond.benchmarks.memory;

import io.millpond.benchmarks.Jdk;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A JVM that is measured. It says in lines how far it is, {@code <word> <value>}, and goes on when it is told to.
 *
 * <p>Threading: for one thread.
 */
public final class Fork implements AutoCloseable {
    /** A heap that is resident from the start and never changes its size, so that only off-heap memory moves. */
    static final List<String> STEADY_HEAP = List.of("-Xms2g", "-Xmx2g", "-XX:+AlwaysPreTouch", "-XX:MaxDirectMemorySize=4g");

    /** The {@link #status} of what the kernel killed, for want of memory. */
    static final int KILLED = 128 + 9;

    private final Process process;
    private final BufferedReader lines;
    private final OutputStream orders;

    /**
     * Starts it.
     *
     * @param prefix what the command begins with; empty for the JVM itself
     * @param jdk the JDK it runs on
     * @param flags of the JVM, besides those that the JDK needs
     * @param main the class to run
     * @param args its arguments
     * @throws IOException if it cannot be started
     */
    Fork(List<String> prefix, Jdk jdk, List<String> flags, Class<?> main, String... args) throws IOException {
        List<String> command = new ArrayList<>(prefix);
        // Without the collector's name a JVM in a small container chooses another one.
        command.addAll(List.of(jdk.java(), "-XX:+UseG1GC", "-cp", System.getProperty("java.class.path")));
        command.addAll(flags);
        command.addAll(jdk.flags());
        command.add(main.getName());
        command.addAll(List.of(args));
        process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        orders = process.getOutputStream();
    }

    /**
     * Starts it, without anything before its command.
     *
     * @param jdk the JDK it runs on
     * @param flags of the JVM, besides those that the JDK needs
     * @param main the class to run
     * @param args its arguments
     * @throws IOException if it cannot be started
     */
    public Fork(Jdk jdk, List<String> flags, Class<?> main, String... args) throws IOException {
        this(List.of(), jdk, flags, main, args);
    }

    /**
     * Its process.
     *
     * @return the id
     */
    public long pid() {
        return process.pid();
    }

    /**
     * Waits until the JVM is so far.
     *
     * @param word what it says then; lines that begin with another word are skipped
     * @return the value it says with it; empty if none
     * @throws IOException if it ended before
     */
    public String await(String word) throws IOException {
        String value = awaitOrEnd(word);
        if (value == null) {
            throw new IOException("the JVM ended before it said '" + word + "'; its own message is above");
        }
        return value;
    }

    /** As {@link #await}, but null if it ended before. */
    String awaitOrEnd(String word) throws IOException {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] parts = line.split(" ", 2);
            if (parts[0].equals(word)) {
                return parts.length == 2 ? parts[1] : "";
            }
        }
        return null;
    }

    /** As {@link #await}, for a word with a number. */
    double awaitNumber(String word) throws IOException {
        return Double.parseDouble(await(word));
    }

    /**
     * Tells it to go on.
     *
     * @throws IOException if it ended before
     */
    public void go() throws IOException {
        orders.write('\n');
        orders.flush();
    }

    /** Waits for its end. */
    int status() throws InterruptedException {
        return process.waitFor();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * In the JVM that is measured: says how far it is.
     *
     * @param word for {@link #await}
     * @param value what belongs to it
     */
    public static void say(String word, Object value) {
        System.out.println(word + " " + value);
    }

    /**
     * In the JVM that is measured: waits until it is told to go on.
     *
     * @throws IOException if nobody is there to say so
     */
    public static void pause() throws IOException {
        if (System.in.read() < 0) {
            throw new IOException("nobody is there to say how to go on: this program is started by another one");
        }
    }
}
