package io.millpond.examples;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * What is served: the first {@code length} bytes of a file, and the hash they must have when they arrive.
 *
 * @param file the file
 * @param length bytes of it that are served, from its start
 * @param sha256 SHA-256 of those bytes
 */
record Content(Path file, long length, byte[] sha256) {
    private static final int CHUNK = 1 << 16;

    /** Reads a whole file and hashes it. */
    static Content of(Path file) throws IOException {
        return of(file, Files.size(file));
    }

    /**
     * Reads the first {@code length} bytes and hashes them with heap memory only, so that the expected hash owes nothing to
     * the buffers it is to check.
     *
     * @throws IOException if the file cannot be read or is shorter
     */
    static Content of(Path file, long length) throws IOException {
        MessageDigest digest = newSha256();
        byte[] chunk = new byte[CHUNK];
        try (InputStream in = Files.newInputStream(file)) {
            for (long left = length; left > 0; ) {
                int read = in.read(chunk, 0, (int) Math.min(chunk.length, left));
                if (read < 0) {
                    throw new EOFException(file + " ended " + left + " bytes before its expected end");
                }
                digest.update(chunk, 0, read);
                left -= read;
            }
        }
        return new Content(file, length, digest.digest());
    }

    static MessageDigest newSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256, but this one does not", e);
        }
    }
}
