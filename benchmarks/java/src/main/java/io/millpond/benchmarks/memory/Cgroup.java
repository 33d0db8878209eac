package io.millpond.benchmarks.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * A memory cgroup with a limit, for one process: what a container is to its memory. Of version 1 or 2, whichever the machine
 * has; inside the one that this process is in, so that its limits hold as well.
 */
final class Cgroup implements AutoCloseable {
    private static final int TRIES = 50;
    private static final long TRY_MILLIS = 100;

    /** How the two versions call things. */
    private enum Version {
        V1("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.max_usage_in_bytes"),
        V2("memory.max", "memory.swap.max", "memory.peak");

        final String limit;
        final String swap;
        final String peak;

        Version(String limit, String swap, String peak) {
            this.limit = limit;
            this.swap = swap;
            this.peak = peak;
        }

        /** Version 1 limits memory and swap together, version 2 swap alone. */
        long swapLimit(long bytes) {
            return this == V1 ? bytes : 0;
        }
    }

    /** Where cgroups of a version are mounted. */
    private record Mount(Version version, Path root) {}

    private final Version version;
    private final Path directory;

    private Cgroup(Version version, Path directory) {
        this.version = version;
        this.directory = directory;
    }

    /**
     * Makes one.
     *
     * @param name its name
     * @param bytes its limit
     * @return it, empty
     * @throws IOException if that is not possible here; the message says why
     */
    static Cgroup create(String name, long bytes) throws IOException {
        Mount mount = mount();
        IOException reason = new IOException("no cgroup below " + mount.root() + " controls memory");
        // Version 2 gives controllers to siblings of this process, not to children: so up until there is one.
        for (Path parent = own(mount); parent.startsWith(mount.root()); parent = parent.getParent()) {
            Cgroup group = new Cgroup(mount.version(), parent.resolve(name));
            try {
                Files.createDirectory(group.directory);
            } catch (IOException e) {
                reason = new IOException("no cgroup can be made in " + parent + " (being root helps)", e);
                continue;
            }
            if (group.has(group.version.limit)) {
                return group.limited(bytes);
            }
            group.close();
        }
        throw reason;
    }

    private Cgroup limited(long bytes) throws IOException {
        try {
            write(version.limit, bytes);
            if (has(version.swap)) {
                write(version.swap, version.swapLimit(bytes));
            }
            return this;
        } catch (IOException e) {
            close();
            throw new IOException("the limit of " + directory + " cannot be set", e);
        }
    }

    private static Mount mount() throws IOException {
        Path unified = null;
        for (String line : Files.readAllLines(Path.of("/proc/self/mounts"))) {
            String[] parts = line.split(" ");
            if (parts[2].equals("cgroup") && Arrays.asList(parts[3].split(",")).contains("memory")) {
                return new Mount(Version.V1, Path.of(parts[1]));
            }
            if (parts[2].equals("cgroup2")) {
                unified = Path.of(parts[1]);
            }
        }
        if (unified == null) {
            throw new IOException("no memory cgroups are mounted here");
        }
        return new Mount(Version.V2, unified);
    }

    /** The cgroup of this process, or the nearest one above that can be seen from inside a container. */
    private static Path own(Mount mount) throws IOException {
        Path directory = mount.root();
        for (String line : Files.readAllLines(Path.of("/proc/self/cgroup"))) {
            String[] parts = line.split(":", 3);
            List<String> controllers = Arrays.asList(parts[1].split(","));
            if (mount.version() == Version.V1 ? controllers.contains("memory") : parts[0].equals("0")) {
                directory = mount.root().resolve(parts[2].substring(1)).normalize();
            }
        }
        while (!Files.isDirectory(directory) && directory.startsWith(mount.root())) {
            directory = directory.getParent();
        }
        return directory.startsWith(mount.root()) ? directory : mount.root();
    }

    private boolean has(String file) {
        return Files.exists(directory.resolve(file));
    }

    private void write(String file, long value) throws IOException {
        Files.writeString(directory.resolve(file), Long.toString(value));
    }

    /** What a command has to begin with to run in here from its first byte on. */
    List<String> prefix() {
        return List.of("sh", "-c", "echo $$ > \"$0\" && exec \"$@\"", directory.resolve("cgroup.procs").toString());
    }

    /** The most that was in use, in bytes; negative if this kernel does not tell. */
    long peak() throws IOException {
        return has(version.peak) ? Long.parseLong(Files.readString(directory.resolve(version.peak)).strip()) : -1;
    }

    /** Removes it. For when its process has ended, which the kernel may notice a little later. */
    @Override
    public void close() throws IOException {
        for (int i = 1; ; i++) {
            try {
                Files.deleteIfExists(directory);
                return;
            } catch (IOException e) {
                if (i == TRIES) {
                    throw e;
                }
                sleep();
            }
        }
    }

    private static void sleep() throws IOException {
        try {
            Thread.sleep(TRY_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
