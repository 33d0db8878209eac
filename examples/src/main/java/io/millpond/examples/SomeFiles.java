package io.millpond.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Real files of many sizes, such as every machine with a JDK has. */
final class SomeFiles {
    private static final long LARGEST = 1 << 19;
    private static final long TOTAL = 2 << 20;

    private SomeFiles() {}

    /** Returns files right in the JDK's {@code lib}, 2 MiB of them at most, the largest first. */
    static List<Content> ofTheJdk() throws IOException {
        List<Path> paths;
        try (Stream<Path> all = Files.list(Path.of(System.getProperty("java.home"), "lib").toRealPath())) {
            paths = all.filter(SomeFiles::suits)
                    .sorted(Comparator.comparingLong((Path file) -> file.toFile().length()).reversed())
                    .toList();
        }
        List<Content> files = new ArrayList<>();
        long left = TOTAL;
        for (Path path : paths) {
            if (path.toFile().length() <= left) {
                Content content = Content.of(path);
                left -= content.length();
                files.add(content);
            }
        }
        if (files.isEmpty()) {
            throw new IOException("this JDK has no small files in its lib: " + System.getProperty("java.home"));
        }
        return files;
    }

    private static boolean suits(Path file) {
        long length = file.toFile().length();
        return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) && Files.isReadable(file) && length > 0 && length <= LARGEST;
    }

    /** Returns their sizes for a sentence. */
    static String sizes(List<Content> files) {
        return Amount.bytes(files.get(files.size() - 1).length()) + " to " + Amount.bytes(files.get(0).length());
    }
}
