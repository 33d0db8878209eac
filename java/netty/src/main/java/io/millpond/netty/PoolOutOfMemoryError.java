package io.millpond.netty;

/**
 * The pool of an allocator gives no memory for a buffer: its limit is reached, it is closed, or there is no native library.
 * The message says which, and what to do; {@link #getCause()} is what the pool itself would have thrown.
 *
 * <p>An {@link OutOfMemoryError}, as Netty's own for its direct memory is, because that is what transports look for: a
 * channel whose read fails with it is closed, and others go on. After anything else but an {@link java.io.IOException}
 * Netty would read again at once, and fail again, and so on.
 */
public final class PoolOutOfMemoryError extends OutOfMemoryError {
    private static final long serialVersionUID = 1;

    PoolOutOfMemoryError(Throwable cause) {
        super(cause.getMessage());
        initCause(cause);
    }
}
