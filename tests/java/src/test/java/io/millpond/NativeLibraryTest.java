package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Finding the native library, in JVMs of their own: a library is loaded once. */
class NativeLibraryTest {
    @TempDir
    Path directory;

    /** What the forked JVMs do. */
    static final class Probe {
        private Probe() {
        }

        public static void main(String[] arguments) {
            if (!NativeLibrary.isAvailable()) {
                System.out.println("UNAVAILABLE " + NativeLibrary.unavailabilityCause().getMessage());
                try {
                    BufferPool.builder().build();
                    System.out.println("a pool was built all the same");
                } catch (UnsatisfiedLinkError e) {
                    System.out.println("SAME " + e.getMessage().equals(NativeLibrary.unavailabilityCause().getMessage()));
                }
                System.exit(3);
            }
            NativeLibrary.ensureAvailability();
            try (BufferPool pool = BufferPool.builder().build()) {
                pool.allocate(1000).release();
                if (pool.stats().releases() != 1) {
                    System.exit(4);
                }
            }
            for (String argument : arguments) {
                System.out.println(argument);
            }
        }
    }

    private static Path library() {
        return Path.of(System.getProperty(NativeLibrary.PATH_PROPERTY));
    }

    private static ForkedJvm probeOn(String classPath, String... flags) throws IOException, InterruptedException {
        List<String> all = new ArrayList<>(ForkedJvm.nativeAccess());
        all.add("-Xcheck:jni");
        all.addAll(List.of(flags));
        return ForkedJvm.run(classPath, all, Probe.class);
    }

    private static ForkedJvm probe(String... flags) throws IOException, InterruptedException {
        return probeOn(System.getProperty("java.class.path"), flags);
    }

    private static void assertFails(ForkedJvm jvm, String... named) {
        assertEquals(3, jvm.exitStatus, jvm::toString);
        assertTrue(jvm.output.contains("SAME true"), jvm::toString);
        for (String each : named) {
            assertTrue(jvm.output.contains(each), () -> "should name '" + each + "': " + jvm);
        }
        String arch = "'" + System.getProperty("os.arch") + "'";
        for (String each : List.of("'Linux'", arch, "libc", NativeLibrary.PATH_PROPERTY, NativeLibrary.WORKDIR_PROPERTY)) {
            assertTrue(jvm.output.contains(each), () -> "should name '" + each + "': " + jvm);
        }
    }

    private static void assertWorksInSilence(ForkedJvm jvm) {
        assertEquals(0, jvm.exitStatus, jvm::toString);
        assertEquals("", jvm.output);
    }

    private static String workdir(Path workdir) {
        return "-D" + NativeLibrary.WORKDIR_PROPERTY + "=" + workdir;
    }

    private static String libraryPath(Path directory) {
        return "-Djava.library.path=" + directory;
    }

    private static String path(Path file) {
        return "-D" + NativeLibrary.PATH_PROPERTY + "=" + file;
    }

    @Test
    void isThereAndHasNoCause() {
        assertTrue(NativeLibrary.isAvailable());
        assertNull(NativeLibrary.unavailabilityCause());
        NativeLibrary.ensureAvailability();
    }

    @Test
    void byThePropertyInSilence() throws Exception {
        assertWorksInSilence(probe(path(library())));
    }

    @Test
    void byTheLibraryPathInSilence() throws Exception {
        Files.copy(library(), directory.resolve("libmillpond_jni.so"));
        assertWorksInSilence(probe(libraryPath(directory)));
    }

    @Test
    void missing() throws Exception {
        Path nowhere = directory.resolve("nowhere.so");
        assertFails(probe(path(nowhere)), nowhere.toString(), "does not exist", "correct -D");
    }

    @Test
    void relative() throws Exception {
        assertFails(probe(path(Path.of("libmillpond_jni.so"))), "not an absolute path");
    }

    @Test
    void notAFile() throws Exception {
        assertFails(probe(path(directory)), directory.toString(), "no file that can be read");
    }

    @Test
    void unreadable() throws Exception {
        Path secret = Files.copy(library(), directory.resolve("secret.so"));
        Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("---------"));
        assumeTrue(!Files.isReadable(secret), "root reads everything");
        assertFails(probe(path(secret)), secret.toString(), "no file that can be read");
    }

    @Test
    void notALibrary() throws Exception {
        Path text = Files.writeString(directory.resolve("text.so"), "This is not an ELF file.\n".repeat(100));
        assertFails(probe(path(text)), text.toString(), "invalid ELF header");
    }

    @Test
    void ofSomebodyElse() throws Exception {
        Path libc = mapped("libc.so.6");
        assumeTrue(libc != null, "the C library is elsewhere");
        assertFails(probe(path(libc)), "not Millpond's");
    }

    private static Path mapped(String name) throws IOException {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.filter(line -> line.endsWith("/" + name)).findFirst()
                .map(line -> Path.of(line.substring(line.indexOf('/')))).orElse(null);
        }
    }

    @Test
    void ofAnotherVersion() throws Exception {
        assertFails(probe(path(compiled("9.8.7", NativeLibrary.ABI))), "version 9.8.7 with ABI " + NativeLibrary.ABI,
            "version " + NativeLibrary.VERSION + " with ABI " + NativeLibrary.ABI, "same version");
    }

    @Test
    void ofAnotherAbi() throws Exception {
        Path other = compiled(NativeLibrary.VERSION, 77);
        assertFails(probe(path(other)), "with ABI 77", "with ABI " + NativeLibrary.ABI, "same version");
    }

    /** A library that says what it is, and has nothing else. NewStringUTF is function 167 of the JNI's table. */
    private Path compiled(String version, int abi) throws Exception {
        Path source = Files.writeString(directory.resolve("other.c"), """
            void *Java_io_millpond_Native_version(void ***env, void *type) {
                return ((void *(*)(void *, const char *)) (*env)[167])(env, "%s");
            }
            int Java_io_millpond_Native_abi(void ***env, void *type) { return %d; }
            """.formatted(version, abi));
        Path library = directory.resolve("libmillpond_jni.so");
        ProcessBuilder cc = new ProcessBuilder("cc", "-shared", "-fPIC", "-o", library.toString(), source.toString());
        assertEquals(0, cc.inheritIO().start().waitFor(), "the C compiler");
        return library;
    }

    @Test
    void nowhere() throws Exception {
        ForkedJvm jvm = probe(libraryPath(directory));
        assertFails(jvm, "java.library.path", "META-INF/native/" + Platform.current().classifier + "/libmillpond_jni.so",
            "io.millpond:millpond:" + NativeLibrary.VERSION + ":" + Platform.current().classifier);
    }

    private Path jar() throws IOException {
        Path jar = directory.resolve("native.jar");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            out.putNextEntry(new JarEntry("META-INF/native/" + Platform.current().classifier + "/libmillpond_jni.so"));
            Files.copy(library(), out);
        }
        return jar;
    }

    private static String withJar(Path jar) {
        return System.getProperty("java.class.path") + ":" + jar;
    }

    @Test
    void packedIsCopiedLoadedAndDeleted() throws Exception {
        Path workdir = Files.createDirectory(directory.resolve("work"));
        assertWorksInSilence(probeOn(withJar(jar()), workdir(workdir), libraryPath(directory)));
        try (Stream<Path> left = Files.list(workdir)) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    void plainResourceIsLoadedInPlace() throws Exception {
        Path resources = Files.createDirectories(directory.resolve("resources"));
        Path place = Files.createDirectories(resources.resolve("META-INF/native/" + Platform.current().classifier));
        Files.copy(library(), place.resolve("libmillpond_jni.so"));
        Path none = directory.resolve("does-not-exist");
        assertWorksInSilence(probeOn(withJar(resources), workdir(none), libraryPath(none)));
    }

    @Test
    void workdirThatIsNotThere() throws Exception {
        Path none = directory.resolve("does-not-exist");
        assertFails(probeOn(withJar(jar()), workdir(none), libraryPath(directory)), none.toString());
    }

    @Test
    void workdirThatMayNotExecute() throws Exception {
        Path noexec = noexec();
        assumeTrue(noexec != null, "no writable file system is mounted noexec");
        Path workdir = Files.createTempDirectory(noexec, "millpond-test");
        try {
            assertFails(probeOn(withJar(jar()), workdir(workdir), libraryPath(directory)),
                "noexec", "Choose another with -D" + NativeLibrary.WORKDIR_PROPERTY);
        } finally {
            Files.delete(workdir);
        }
    }

    private static Path noexec() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/mounts"))) {
            String[] fields = line.split(" ");
            boolean noexec = fields[2].equals("tmpfs") && List.of(fields[3].split(",")).contains("noexec");
            if (noexec && Files.isWritable(Path.of(fields[1]))) {
                return Path.of(fields[1]);
            }
        }
        return null;
    }
}
