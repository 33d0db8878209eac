package io.millpond.benchmarks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A JDK to measure on.
 *
 * @param version its feature version
 * @param home where it is
 */
public record Jdk(int version, Path home) {
    private static final int UNSAFE_WARNS = 24;

    /**
     * Reads a list such as {@code 17=/home/of/17,25=/home/of/25}.
     *
     * @param list the list; null or empty stands for the JDK this runs on
     * @return the JDKs, in its order
     * @throws IllegalArgumentException if it is no such list
     */
    public static List<Jdk> list(String list) {
        if (list == null || list.isEmpty()) {
            return List.of(new Jdk(Runtime.version().feature(), Path.of(System.getProperty("java.home"))));
        }
        return Arrays.stream(list.split(",")).map(Jdk::parse).toList();
    }

    private static Jdk parse(String entry) {
        String[] parts = entry.split("=", 2);
        if (parts.length != 2 || !parts[0].matches("[0-9]{1,3}")) {
            throw new IllegalArgumentException("'" + entry + "' is no JDK, must be VERSION=HOME, as 17=/usr/lib/jvm/jdk-17");
        }
        return new Jdk(Integer.parseInt(parts[0]), Path.of(parts[1]));
    }

    /**
     * The program to start.
     *
     * @return its path
     */
    public String java() {
        return home.resolve("bin/java").toString();
    }

    /**
     * Flags for all candidates: Netty may use Unsafe and free without a cleaner, and looks for no leaks. What one of them
     * is told besides is in {@link Tuning}.
     *
     * @return the flags
     */
    public List<String> flags() {
        List<String> flags = new ArrayList<>(List.of("-Dio.netty.leakDetection.level=disabled",
            "-Dio.netty.tryReflectionSetAccessible=true", "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
            "--add-opens=java.base/java.nio=ALL-UNNAMED"));
        if (version >= UNSAFE_WARNS) {
            flags.add("--enable-native-access=ALL-UNNAMED");
            flags.add("--sun-misc-unsafe-memory-access=allow");
        }
        return flags;
    }
}
