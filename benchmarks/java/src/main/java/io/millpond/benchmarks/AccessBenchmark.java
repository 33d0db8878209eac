package io.millpond.benchmarks;

import io.netty.buffer.ByteBuf;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** What is done most with a Netty buffer, on a direct one of each allocator. */
public class AccessBenchmark extends AllocatorBenchmark {
    private static final int ABSENT = 7;

    /** Capacity of the buffer in bytes; a power of two. */
    @Param("4096")
    public int size;

    private final byte[] source = new byte[256];
    private ByteBuf buffer;
    private int index;

    /** Takes a buffer of zeros as well. */
    @Override
    public void open() {
        super.open();
        buffer = (ByteBuf) subject.take(size);
        buffer.setZero(0, size);
    }

    /** Gives it back before. */
    @Override
    public void close() {
        subject.give(buffer);
        super.close();
    }

    /**
     * Eight bytes from anywhere.
     *
     * @return they
     */
    @Benchmark
    public long getLong() {
        index = index + 24 & size - 8;
        return buffer.getLong(index);
    }

    /**
     * 256 bytes out of an array.
     *
     * @return the buffer
     */
    @Benchmark
    public ByteBuf writeBytes() {
        return buffer.clear().writeBytes(source);
    }

    /**
     * The whole buffer.
     *
     * @return the buffer
     */
    @Benchmark
    public ByteBuf setZero() {
        return buffer.setZero(0, size);
    }

    /**
     * A byte that is not there, in the whole buffer.
     *
     * @return -1
     */
    @Benchmark
    public int indexOf() {
        return buffer.indexOf(0, size, (byte) ABSENT);
    }
}
