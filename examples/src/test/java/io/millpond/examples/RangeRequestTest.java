package io.millpond.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RangeRequestTest {
    private static final long FILE_LENGTH = 1_000;

    @Test
    void whatIsEncodedIsDecoded() throws IOException {
        RangeRequest request = new RangeRequest(990, 10);
        assertEquals(request, RangeRequest.decode(encoded(request), FILE_LENGTH));
    }

    @ParameterizedTest
    @CsvSource({"-1, 10", "0, 0", "0, -5", "991, 10", "1000, 1", "9223372036854775807, 2147483647"})
    void aRangeOutsideTheFileIsRefused(long offset, int length) {
        ByteBuffer wire = encoded(new RangeRequest(offset, length));
        IOException refusal = assertThrows(IOException.class, () -> RangeRequest.decode(wire, FILE_LENGTH));
        assertTrue(refusal.getMessage().contains("file of 1000 bytes"), refusal.getMessage());
    }

    @Test
    void somethingElseIsRefused() {
        ByteBuffer wire = ByteBuffer.wrap("GET / HTTP/1.1\r\n".getBytes());
        IOException refusal = assertThrows(IOException.class, () -> RangeRequest.decode(wire, FILE_LENGTH));
        assertTrue(refusal.getMessage().startsWith("not a range request: it starts with 47455420"), refusal.getMessage());
    }

    private static ByteBuffer encoded(RangeRequest request) {
        ByteBuffer wire = ByteBuffer.allocate(RangeRequest.BYTES);
        request.encode(wire);
        return wire.flip();
    }
}
