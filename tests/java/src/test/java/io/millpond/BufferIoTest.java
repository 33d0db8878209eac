package io.millpond;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Buffers of the pool do what direct buffers do, in the JDK's own I/O. */
class BufferIoTest {
    private final BufferPool pool = BufferPool.builder().name("io").maxMemory(64 << 20).build();
    private final byte[] data = new byte[300_000];
    @TempDir
    Path directory;

    @BeforeEach
    void fill() {
        new Random(3).nextBytes(data);
    }

    @AfterEach
    void close() {
        assertEquals(0, pool.stats().liveBuffers());
        pool.close();
    }

    private PooledBuffer filled(int from, int to) {
        PooledBuffer buffer = pool.allocate(to - from);
        buffer.byteBuffer().put(data, from, to - from).flip();
        return buffer;
    }

    @Test
    void filesAreWrittenAndReadBack() throws IOException {
        Path file = directory.resolve("data");
        try (PooledBuffer out = filled(0, data.length);
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            while (out.byteBuffer().hasRemaining()) {
                channel.write(out.byteBuffer());
            }
        }
        assertArrayEquals(data, Files.readAllBytes(file));
        try (PooledBuffer in = pool.allocate(data.length); FileChannel channel = FileChannel.open(file)) {
            while (in.byteBuffer().hasRemaining() && channel.read(in.byteBuffer()) >= 0) {
                // Until it is full.
            }
            assertEquals(ByteBuffer.wrap(data), in.byteBuffer().flip());
        }
    }

    @Test
    void writesGatherAndReadsScatter() throws IOException {
        Path file = directory.resolve("gathered");
        PooledBuffer[] parts = {filled(0, 100), filled(100, 70_000), filled(70_000, 70_001), filled(70_001, data.length)};
        ByteBuffer[] buffers = Arrays.stream(parts).map(PooledBuffer::byteBuffer).toArray(ByteBuffer[]::new);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            while (buffers[buffers.length - 1].hasRemaining()) {
                channel.write(buffers);
            }
        }
        assertArrayEquals(data, Files.readAllBytes(file));
        Arrays.stream(buffers).forEach(ByteBuffer::clear);
        try (FileChannel channel = FileChannel.open(file)) {
            while (buffers[buffers.length - 1].hasRemaining() && channel.read(buffers) >= 0) {
                // Until the last one is full.
            }
        }
        assertEquals(ByteBuffer.wrap(data, 100, 69_900), buffers[1].flip());
        Arrays.stream(parts).forEach(PooledBuffer::release);
    }

    @Test
    void asynchronousFilesToo() throws Exception {
        Path file = Files.write(directory.resolve("async"), data);
        try (PooledBuffer in = pool.allocate(1000); AsynchronousFileChannel channel = AsynchronousFileChannel.open(file)) {
            assertEquals(1000, channel.read(in.byteBuffer(), 5000).get());
            assertEquals(ByteBuffer.wrap(data, 5000, 1000), in.byteBuffer().flip());
        }
    }

    @Test
    void checksumsAndCompressionSeeTheBytes() throws Exception {
        CRC32 expected = new CRC32();
        expected.update(data);
        try (PooledBuffer buffer = filled(0, data.length)) {
            CRC32 crc = new CRC32();
            crc.update(buffer.byteBuffer());
            assertEquals(expected.getValue(), crc.getValue());

            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(buffer.byteBuffer().rewind());
            assertArrayEquals(MessageDigest.getInstance("SHA-256").digest(data), digest.digest());

            Deflater deflater = new Deflater();
            Inflater inflater = new Inflater();
            try (PooledBuffer packed = pool.allocate(data.length + 1000); PooledBuffer unpacked = pool.allocate(data.length)) {
                deflater.setInput(buffer.byteBuffer().rewind());
                deflater.finish();
                deflater.deflate(packed.byteBuffer());
                assertTrue(deflater.finished());
                inflater.setInput(packed.byteBuffer().flip());
                inflater.inflate(unpacked.byteBuffer());
                assertEquals(ByteBuffer.wrap(data), unpacked.byteBuffer().flip());
            } finally {
                deflater.end();
                inflater.end();
            }
        }
    }

    @Test
    void socketsCarryThem() throws Exception {
        InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        try (ServerSocketChannel server = ServerSocketChannel.open().bind(anyPort)) {
            Thread sender = new Thread(() -> {
                try (SocketChannel channel = SocketChannel.open(server.getLocalAddress());
                    PooledBuffer out = filled(0, data.length)) {
                    while (out.byteBuffer().hasRemaining()) {
                        channel.write(out.byteBuffer());
                    }
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            sender.start();
            try (SocketChannel channel = server.accept(); PooledBuffer in = pool.allocate(data.length)) {
                while (in.byteBuffer().hasRemaining() && channel.read(in.byteBuffer()) >= 0) {
                    // Until it is full.
                }
                assertEquals(ByteBuffer.wrap(data), in.byteBuffer().flip());
            }
            sender.join();
        }
    }

    @Test
    void viewsAreViews() {
        try (PooledBuffer buffer = filled(0, 4096)) {
            ByteBuffer slice = buffer.byteBuffer().slice(100, 50);
            assertEquals(ByteBuffer.wrap(data, 100, 50), slice);
            ByteBuffer copy = buffer.byteBuffer().duplicate();
            copy.put(0, (byte) 99);
            assertEquals(99, buffer.byteBuffer().get(0));
            assertTrue(buffer.byteBuffer().asReadOnlyBuffer().isReadOnly());
            buffer.byteBuffer().asLongBuffer().put(1, 0x0102030405060708L);
            assertEquals(1, buffer.byteBuffer().get(8));
        }
    }
}
