package io.millpond.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.millpond.examples.netty.LeakReport;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ResourceLeakDetector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HttpTransferTest {
    static {
        LeakReport.watch(ResourceLeakDetector.Level.PARANOID);
    }

    private static final int CONNECTIONS = 5;
    private static final int ROUNDS = HttpTransfer.ROUNDS;
    private static final int[] SIZES = {0, 1, 10_000, 65_536, 3_000_001};

    @TempDir
    Path directory;

    private final MillpondSource source = new MillpondSource("http-transfer-test", 256 << 20);

    @AfterEach
    void everyBufferIsReleased() throws Exception {
        assertEquals(0, source.unreleased());
        assertEquals(0, LeakReport.of(source.pool()).detected());
        source.close();
    }

    @ParameterizedTest
    @EnumSource(value = SslProvider.class, names = {"JDK", "OPENSSL"})
    void everyConnectionReceivesEveryFile(SslProvider provider) throws Exception {
        Assumptions.assumeTrue(provider == SslProvider.JDK || OpenSsl.isAvailable(), "netty-tcnative does not load here");
        List<Content> files = files();
        HttpTransfer transfer = new HttpTransfer(files, CONNECTIONS, provider, source);
        Work.Outcome outcome = run(transfer);
        assertEquals(CONNECTIONS * SIZES.length * ROUNDS, outcome.hashes());
        assertEquals(0, outcome.differing());
        assertEquals(transfer.totalBytes(), outcome.bytes());
    }

    @Test
    void aWrongByteIsNoticedByEveryConnection() throws Exception {
        List<Content> files = files();
        byte[] bytes = Files.readAllBytes(files.get(2).file());
        bytes[5_000] ^= 1;
        Files.write(files.get(2).file(), bytes);
        assertEquals(CONNECTIONS * ROUNDS, run(transferOf(files)).differing());
    }

    @Test
    void aMissingFileEndsTheRun() throws Exception {
        List<Content> files = files();
        Files.delete(files.get(2).file());
        IOException failure = assertThrows(IOException.class, () -> run(transferOf(files)));
        assertTrue(failure.getMessage().contains("404"), failure.getMessage());
    }

    private HttpTransfer transferOf(List<Content> files) throws Exception {
        return new HttpTransfer(files, CONNECTIONS, SslProvider.JDK, source);
    }

    private static Work.Outcome run(HttpTransfer transfer) throws Exception {
        return transfer.run((bytes, usage) -> { });
    }

    private List<Content> files() throws IOException {
        List<Content> files = new ArrayList<>();
        for (int size : SIZES) {
            byte[] bytes = new byte[size];
            new Random(size).nextBytes(bytes);
            files.add(Content.of(Files.write(directory.resolve("file-" + size), bytes)));
        }
        return files;
    }
}
