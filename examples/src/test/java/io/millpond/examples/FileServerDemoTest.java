package io.millpond.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileServerDemoTest {
    @TempDir
    Path directory;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @Test
    void aMissingFileIsNamed() throws Exception {
        Path missing = directory.resolve("missing");
        assertEquals(FileServerDemo.BAD_USAGE, run(Map.of(), missing.toString()));
        assertTrue(err.toString().startsWith("The file to serve does not exist: " + missing + "."), err.toString());
        assertEquals("", out.toString());
    }

    @Test
    void aMissingFileFromTheEnvironmentIsNamed() throws Exception {
        Path missing = directory.resolve("missing");
        assertEquals(FileServerDemo.BAD_USAGE, run(Map.of("FILE", missing.toString())));
        assertTrue(err.toString().contains(missing.toString()), err.toString());
    }

    @Test
    void aDirectoryIsNotServed() throws Exception {
        assertEquals(FileServerDemo.BAD_USAGE, run(Map.of(), directory.toString()));
        assertTrue(err.toString().startsWith("What is to be served is not a regular file: " + directory), err.toString());
    }

    @Test
    void twoFilesAreOneTooMany() throws Exception {
        assertEquals(FileServerDemo.BAD_USAGE, run(Map.of(), "one", "two"));
        assertTrue(err.toString().startsWith("usage: "), err.toString());
    }

    private int run(Map<String, String> environment, String... args) throws InterruptedException {
        return FileServerDemo.run(args, environment, new PrintStream(out, true), new PrintStream(err, true));
    }
}
