package io.millpond;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;

/**
 * A buffer of a {@link BufferPool}, to be released once.
 *
 * <p>Each allocation has its own handle, which is never used again. So a second {@link #release()}, or a
 * {@link #byteBuffer()} after it, is told from the right use of whoever has the memory by then, and throws. The
 * {@link ByteBuffer} itself cannot be called back: reading or writing it after the release never crashes the JVM, but may
 * hit the data of somebody else.
 *
 * <p>A handle that is dropped without being released is a bug, and is not a leak: when neither the handle nor any view of
 * its buffer can be reached any more, the memory comes back through a {@link java.lang.ref.Cleaner}, and
 * {@link PoolStats#forgottenBuffers()} counts it.
 *
 * <p>Threading: a handle may be passed between threads as any object, and released on any thread. Of two threads that
 * release it at once, one succeeds.
 */
public final class PooledBuffer implements AutoCloseable {
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(PooledBuffer.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Slot slot;
    private final ByteBuffer view;
    /** The size while it is live; its complement, which is negative, once it is released. */
    private int state;

    PooledBuffer(Slot slot, ByteBuffer view, int size) {
        this.slot = slot;
        this.view = view;
        this.state = size;
    }

    /**
     * The buffer: direct, big-endian, of exactly the capacity that was asked for, at position 0 when it was allocated. The
     * same object each time. Its contents are what was there before, unless zeros were asked for.
     *
     * @return the buffer, for use until the release
     * @throws IllegalStateException if it was released
     */
    public ByteBuffer byteBuffer() {
        if (state < 0) {
            throw released();
        }
        return view;
    }

    /**
     * The size that was asked for, also after the release.
     *
     * @return bytes
     */
    public int capacity() {
        int size = state;
        return size < 0 ? ~size : size;
    }

    /**
     * Gives the memory back to the pool, also if the pool was closed. Nothing may use the buffer, or a view of it,
     * afterwards.
     *
     * @throws IllegalStateException if it was released before
     */
    public void release() {
        if (!end()) {
            throw released();
        }
        slot.core.release(slot);
    }

    /**
     * Releases it unless that was done already, so that a {@code try} block may release early.
     */
    @Override
    public void close() {
        if (end()) {
            slot.core.release(slot);
        }
    }

    /**
     * Whether it was released.
     *
     * @return true once {@link #release()} or {@link #close()} was called, on whatever thread
     */
    public boolean isReleased() {
        return (int) STATE.getVolatile(this) < 0;
    }

    PoolCore core() {
        return slot.core;
    }

    /** Ends its life; true for one caller only. */
    private boolean end() {
        int size = state;
        return size >= 0 && (int) STATE.getAndSet(this, ~size) >= 0;
    }

    private IllegalStateException released() {
        Throwable site = slot.watch instanceof CheckedBlocks.CheckedWatch watch ? watch.released() : null;
        return new IllegalStateException("this buffer of " + capacity() + " bytes of pool '" + slot.core.name()
                + "' was released before; release a buffer once, and do not use it afterwards", site);
    }

    @Override
    public String toString() {
        return "PooledBuffer[" + capacity() + " bytes of pool '" + slot.core.name() + "'" + (isReleased() ? ", released]" : "]");
    }
}
