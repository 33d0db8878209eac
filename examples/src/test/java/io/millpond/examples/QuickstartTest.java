package io.millpond.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuickstartTest {
    private static final Path SOURCE = Path.of("src/main/java/io/millpond/examples/Quickstart.java");
    private static final Path README = Path.of("../README.md");

    @Test
    void readsTheStartOfAFile(@TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("content"), new byte[20_000]);
        PrintStream standard = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true));
        try {
            Quickstart.main(new String[] {file.toString()});
        } finally {
            System.setOut(standard);
        }
        assertEquals("16384 bytes", out.toString().lines().findFirst().orElseThrow());
        assertTrue(out.toString().contains("pool 'ingest'"), out.toString());
    }

    @Test
    void theReadmeShowsItAsItIs() throws Exception {
        String source = Files.readString(SOURCE).strip();
        assertTrue(Files.readString(README).contains("```java\n" + source + "\n```"), README + " shows another " + SOURCE);
    }
}
