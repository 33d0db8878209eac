package io.millpond.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TransferTest {
    private static final int CLIENTS = 5;

    @TempDir
    Path directory;

    private final BufferSource source = new DirectSource();

    @AfterEach
    void everyBufferIsReleased() {
        assertEquals(0, source.usage().liveBuffers());
        assertEquals(0, source.usage().used());
    }

    @Test
    void everyClientReceivesTheFile() throws Exception {
        int length = (9 << 20) + 12_345;
        Work.Outcome outcome = run(Content.of(fileOf(length), length));
        assertEquals(0, outcome.differing());
        assertEquals((long) length * CLIENTS, outcome.bytes());
        assertTrue(outcome.nanos() > 0);
    }

    @Test
    void onlyTheStartOfAFileCanBeServed() throws Exception {
        Work.Outcome outcome = run(Content.of(fileOf(100_000), 54_321));
        assertEquals(0, outcome.differing());
        assertEquals(54_321L * CLIENTS, outcome.bytes());
    }

    @Test
    void anEmptyFileHasAHashToo() throws Exception {
        Work.Outcome outcome = run(Content.of(fileOf(0), 0));
        assertEquals(0, outcome.differing());
        assertEquals(0, outcome.bytes());
    }

    @Test
    void aWrongByteIsNoticedByEveryClient() throws Exception {
        Path file = fileOf(300_000);
        Content content = Content.of(file, 300_000);
        byte[] bytes = Files.readAllBytes(file);
        bytes[150_000] ^= 1;
        Files.write(file, bytes);
        assertEquals(CLIENTS, run(content).differing());
    }

    @Test
    void aFileThatBecameShorterEndsTheRun() throws Exception {
        Path file = fileOf(200_000);
        Content content = Content.of(file, 200_000);
        Files.write(file, new byte[100_000]);
        IOException failure = assertThrows(IOException.class, () -> run(content));
        assertTrue(failure.getMessage().contains("100000 bytes"), failure.getMessage());
    }

    private Work.Outcome run(Content content) throws Exception {
        return new Transfer(content, CLIENTS, source).run((bytes, usage) -> { });
    }

    private Path fileOf(int length) throws IOException {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return Files.write(directory.resolve("content"), bytes);
    }
}
