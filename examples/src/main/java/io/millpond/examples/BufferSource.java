package io.millpond.examples;

import java.nio.ByteBuffer;

/**
 * Where the server and its clients get their buffers. Both implementations are driven by the same code, so that whatever
 * differs in the report comes from here.
 *
 * <p>Threading: sources are used by all threads of the demo at once, a {@link Lease} by one thread at a time.
 */
interface BufferSource extends AutoCloseable {

    /** Returns a direct buffer of exactly {@code size} bytes, with whatever contents; the caller releases it. */
    Lease take(int size);

    /** Returns what this source holds now. */
    Usage usage();

    /** Returns how many buffers were taken and never released, whether the garbage collector has found them or not. */
    long unreleased();

    /** Returns what else this source can tell about its work so far, in lines for people to read; empty if nothing. */
    String statistics();

    @Override
    void close();

    /** The right to use one buffer until {@link #release()}. */
    interface Lease {
        ByteBuffer buffer();

        /** Gives the buffer back; it must not be touched afterwards. Once only. */
        void release();
    }

    /**
     * A look at a source.
     *
     * @param liveBuffers buffers taken and not yet released
     * @param used bytes in those buffers
     * @param cached bytes kept ready for the next buffers, or, without a pool, waiting for the garbage collector
     * @param committed bytes held from the operating system for buffers
     */
    record Usage(long liveBuffers, long used, long cached, long committed) {}
}
