package io.millpond;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What this JVM runs on, in the words by which native libraries are published. {@link #of} is a pure function.
 *
 * <p>Threading: immutable.
 */
final class Platform {
    private static final Path MAPS = Path.of("/proc/self/maps");

    /** As {@code os-maven-plugin} writes it, {@code linux-x86_64}; null where there is no library. */
    final String classifier;
    /** Why there is none; null where there is one. */
    final String problem;
    private final String description;

    private Platform(String classifier, String problem, String description) {
        this.classifier = classifier;
        this.problem = problem;
        this.description = description;
    }

    /** The platform of this JVM. */
    static Platform current() {
        return of(System.getProperty("os.name", ""), System.getProperty("os.arch", ""), libc());
    }

    /**
     * Says which library goes with a platform.
     *
     * @param os as the property {@code os.name}
     * @param arch as the property {@code os.arch}
     * @param libc {@code glibc}, {@code musl}, or empty if there is no telling
     */
    static Platform of(String os, String arch, String libc) {
        String description = "os '" + os + "', arch '" + arch + "', libc '" + (libc.isEmpty() ? "unknown" : libc) + "'";
        if (!os.toLowerCase(Locale.ROOT).startsWith("linux")) {
            return new Platform(null, "Millpond runs on Linux only, and this is " + os, description);
        }
        String normal = architecture(arch.toLowerCase(Locale.ROOT));
        if (normal == null) {
            return new Platform(null, "Millpond is built for x86_64 and aarch64 only, and this is " + arch, description);
        }
        if (libc.equals("musl")) {
            return new Platform(null, "Millpond is built for glibc only, and this system has musl", description);
        }
        return new Platform("linux-" + normal, null, description);
    }

    private static String architecture(String arch) {
        switch (arch) {
            case "amd64":
            case "x86_64":
            case "x86-64":
            case "x64":
                return "x86_64";
            case "aarch64":
            case "arm64":
                return "aarch_64";
            default:
                return null;
        }
    }

    /** What the C library is, by what is mapped into this very process. */
    private static String libc() {
        try (Stream<String> maps = Files.lines(MAPS)) {
            return maps.map(Platform::libcOf).filter(libc -> !libc.isEmpty()).findFirst().orElse("");
        } catch (IOException | RuntimeException e) {
            // No such file: not Linux, or it may not be read. Then loading decides.
            return "";
        }
    }

    /** What a line of {@code /proc/self/maps} says about the C library. */
    static String libcOf(String line) {
        String file = line.substring(line.lastIndexOf('/') + 1);
        if (file.startsWith("ld-musl-") || file.startsWith("libc.musl-")) {
            return "musl";
        }
        return file.startsWith("libc.so.6") || file.startsWith("libc-2.") ? "glibc" : "";
    }

    @Override
    public String toString() {
        return description;
    }
}
