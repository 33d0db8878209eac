package io.millpond.applications;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Class paths of applications as Maven and Gradle resolve them, with the adapter named first and named last: the adapter
 * brings itself and no Netty, whatever it was compiled for, so that the application starts.
 */
class ApplicationsTest {
    private static final Path CLASS_PATHS = Path.of(System.getProperty("io.millpond.test.classPaths"));
    private static final List<String> ORDERS = List.of("first", "last");
    private static final String ALONE = "-alone";

    static Stream<Arguments> applications() throws IOException {
        try (Stream<Path> files = Files.walk(CLASS_PATHS)) {
            return files.filter(file -> file.toString().endsWith(ALONE))
                    .map(file -> Arguments.of(file.getParent().getFileName().toString(),
                            file.getFileName().toString().replace(ALONE, "")))
                    .toList().stream();
        }
    }

    private static String classPath(String tool, String application, String order) throws IOException {
        return Files.readString(CLASS_PATHS.resolve(tool).resolve(application + "-" + order)).strip();
    }

    /** The names of the jars, those of the library as one. */
    private static TreeSet<String> jars(String classPath) {
        return Arrays.stream(classPath.split(File.pathSeparator)).map(jar -> Path.of(jar).getFileName().toString())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @ParameterizedTest
    @MethodSource("applications")
    void adapterBringsNoNetty(String tool, String application) throws IOException {
        TreeSet<String> own = jars(classPath(tool, application, "alone"));
        String line = application.endsWith("41") ? "4.1." : "4.2.";
        assertTrue(own.stream().anyMatch(jar -> jar.startsWith("netty-buffer-" + line)), own::toString);
        for (String order : ORDERS) {
            TreeSet<String> all = jars(classPath(tool, application, order));
            TreeSet<String> millpond = all.stream().filter(jar -> jar.startsWith("millpond-"))
                    .collect(Collectors.toCollection(TreeSet::new));
            assertEquals(3, millpond.size(), millpond::toString);
            all.removeAll(millpond);
            assertEquals(own, all, order);
        }
    }

    @ParameterizedTest
    @MethodSource("applications")
    void applicationStarts(String tool, String application) throws Exception {
        for (String order : ORDERS) {
            String main = application.startsWith("grpc") ? "GrpcApplication" : "LettuceApplication";
            Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                    "-cp", System.getProperty("io.millpond.test.applications") + File.pathSeparator
                            + classPath(tool, application, order),
                    "io.millpond.applications." + main).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            process.waitFor();
            assertTrue(output.endsWith("done\n"), () -> order + ": " + output);
        }
    }
}
