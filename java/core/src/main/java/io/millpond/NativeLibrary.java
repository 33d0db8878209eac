package io.millpond;

import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The native library behind the pool: whether it could be loaded, and if not, why.
 *
 * <p>It is looked for once, when it is first needed, in this order:
 *
 * <ol>
 * <li>the file that the property {@code io.millpond.native.path} names, and then nowhere else;
 * <li>{@code libmillpond_jni.so} in the directories of {@code java.library.path};
 * <li>the resource {@code META-INF/native/<classifier>/libmillpond_jni.so}, from the artifact
 * {@code io.millpond:millpond} with a classifier such as {@code linux-x86_64}. If that is not a plain file, it is copied
 * to a directory that only this user can enter, below the property {@code io.millpond.native.workdir} or else
 * {@code java.io.tmpdir}, and deleted as soon as it is loaded.
 * </ol>
 *
 * <p>Threading: every method may be called from any thread.
 */
public final class NativeLibrary {
    static final String PATH_PROPERTY = "io.millpond.native.path";
    static final String WORKDIR_PROPERTY = "io.millpond.native.workdir";
    /** Of these classes; the library must have the same. */
    static final String VERSION = "0.1.0";
    /** Changes whenever a method of {@link Native} or the order of the figures in {@link NativePool} does. */
    static final int ABI = 7;

    private static final String NAME = "millpond_jni";

    private NativeLibrary() {
    }

    /** The one attempt. */
    private static final class Attempt {
        static final UnsatisfiedLinkError FAILURE = attempt();

        private static UnsatisfiedLinkError attempt() {
            try {
                return new Search().run();
            } catch (RuntimeException | Error e) {
                // Nothing may leave a static initializer.
                return because("Millpond's native library cannot be loaded: " + e, e);
            }
        }
    }

    /**
     * Whether the native library is loaded and fits.
     *
     * @return true if pools can be built
     */
    public static boolean isAvailable() {
        return Attempt.FAILURE == null;
    }

    /**
     * Makes sure that the native library is loaded and fits.
     *
     * @throws UnsatisfiedLinkError if it is not; the message says what was tried, and what to do
     */
    public static void ensureAvailability() {
        UnsatisfiedLinkError failure = Attempt.FAILURE;
        if (failure != null) {
            throw because(failure.getMessage(), failure);
        }
    }

    /**
     * Why the native library is not there.
     *
     * @return what {@link #ensureAvailability()} would throw; null if it is there
     */
    public static Throwable unavailabilityCause() {
        return Attempt.FAILURE;
    }

    private static UnsatisfiedLinkError because(String message, Throwable cause) {
        UnsatisfiedLinkError error = new UnsatisfiedLinkError(message);
        error.initCause(cause);
        return error;
    }

    /** Goes through the places until one has a library, and remembers what was wrong with the others. */
    private static final class Search {
        private final Platform platform = Platform.current();
        private final List<String> tried = new ArrayList<>();
        private Throwable last;

        /** Returns null if the library is loaded and fits. */
        UnsatisfiedLinkError run() {
            String path = System.getProperty(PATH_PROPERTY);
            boolean loaded = path != null
                    ? loadFile(Path.of(path), "the property " + PATH_PROPERTY)
                    : loadByName() || loadResource();
            if (!loaded) {
                return failure(path);
            }
            String misfit = misfit();
            if (misfit != null) {
                tried.add(misfit);
                return failure(path);
            }
            return null;
        }

        private boolean loadByName() {
            try {
                System.loadLibrary(NAME);
                return true;
            } catch (UnsatisfiedLinkError e) {
                return failed("java.library.path", e);
            }
        }

        private boolean loadResource() {
            if (platform.classifier == null) {
                tried.add("no resource: " + platform.problem);
                return false;
            }
            String resource = "META-INF/native/" + platform.classifier + "/lib" + NAME + ".so";
            List<URL> found;
            try {
                ClassLoader own = NativeLibrary.class.getClassLoader();
                ClassLoader loader = own != null ? own : ClassLoader.getSystemClassLoader();
                found = Collections.list(loader.getResources(resource));
            } catch (IOException e) {
                return failed("resource " + resource, e);
            }
            if (found.isEmpty()) {
                tried.add("resource " + resource + ": there is none on the class path");
            }
            return found.stream().anyMatch(this::loadUrl);
        }

        private boolean loadUrl(URL url) {
            if (!url.getProtocol().equals("file")) {
                return loadCopy(url);
            }
            try {
                return loadFile(Path.of(url.toURI()), "resource " + url);
            } catch (URISyntaxException | IllegalArgumentException e) {
                return failed("resource " + url, e);
            }
        }

        private boolean loadCopy(URL url) {
            Path workdir = Path.of(System.getProperty(WORKDIR_PROPERTY, System.getProperty("java.io.tmpdir")));
            Path directory = null;
            Path copy = null;
            try (InputStream in = url.openStream()) {
                // Nobody else can put a file of theirs into its place, and two processes do not meet.
                directory = Files.createTempDirectory(workdir, "millpond-",
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
                copy = directory.resolve("lib" + NAME + ".so");
                Files.copy(in, copy);
                return loadFile(copy, "resource " + url + ", copied to " + copy);
            } catch (IOException e) {
                return failed("resource " + url + ", to be copied below " + workdir, e);
            } finally {
                delete(copy);
                delete(directory);
            }
        }

        private boolean loadFile(Path file, String origin) {
            try {
                if (!file.isAbsolute()) {
                    tried.add(origin + ": '" + file + "' is not an absolute path");
                    return false;
                }
                if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
                    tried.add(origin + ": " + file + (Files.exists(file) ? " is no file that can be read" : " does not exist"));
                    return false;
                }
                System.load(file.toString());
                return true;
            } catch (UnsatisfiedLinkError e) {
                return failed(origin, e);
            }
        }

        private boolean failed(String what, Throwable e) {
            last = e;
            String message = String.valueOf(e.getMessage());
            // What the loader says when it may not map a file for execution.
            boolean mayNotExecute = message.contains("failed to map segment") || message.contains("Operation not permitted");
            tried.add(what + ": " + message + (!mayNotExecute ? "" : " (is the directory on a file system that is mounted "
                    + "noexec? Choose another with -D" + WORKDIR_PROPERTY + ")"));
            return false;
        }

        /** What is wrong with the library that was loaded; null if nothing is. */
        private String misfit() {
            String version;
            int abi;
            try {
                version = Native.version();
                abi = Native.abi();
            } catch (UnsatisfiedLinkError e) {
                last = e;
                return "a library was loaded, but it is not Millpond's: it does not say its version";
            }
            if (!version.equals(VERSION) || abi != ABI) {
                return "the library has version " + version + " with ABI " + abi + ", but these classes have version " + VERSION
                        + " with ABI " + ABI + "; use jar and library of the same version";
            }
            String difference = SizeClass.adoptNative();
            return difference == null ? null : "the library says it fits, but " + difference;
        }

        private UnsatisfiedLinkError failure(String path) {
            StringBuilder message = new StringBuilder("Millpond's native library cannot be used on " + platform + ".");
            tried.forEach(each -> message.append("\n  tried ").append(each));
            message.append("\n  to do: ");
            if (path != null) {
                message.append("correct -D").append(PATH_PROPERTY).append("=<absolute path of lib").append(NAME)
                        .append(".so>, or leave it out to have the library found");
            } else if (platform.classifier != null) {
                message.append("add the artifact io.millpond:millpond:").append(VERSION).append(':').append(platform.classifier)
                        .append(" to the class path, or name the file with -D").append(PATH_PROPERTY).append("=<absolute path>");
            } else {
                message.append("build the library on this platform and name it with -D").append(PATH_PROPERTY)
                        .append("=<absolute path>");
            }
            message.append("; -D").append(WORKDIR_PROPERTY).append("=<directory> says where a packed library is copied to");
            return because(message.toString(), last);
        }

        private static void delete(Path path) {
            try {
                if (path != null) {
                    Files.deleteIfExists(path);
                }
            } catch (IOException e) {
                // It stays in a temporary directory; the library is loaded all the same.
                System.getLogger("io.millpond").log(System.Logger.Level.DEBUG, "cannot delete " + path, e);
            }
        }
    }
}
