package io.millpond.netty;

import io.millpond.PoolExhaustedException;

/**
 * The pool of an allocator has no memory for a buffer. An {@link OutOfMemoryError}, as Netty's own for its direct memory
 * is, because that is what channels and handlers look for: a channel whose read fails with it is closed, and others go on.
 * The message says who holds the memory.
 */
public final class PoolOutOfMemoryError extends OutOfMemoryError {
    private static final long serialVersionUID = 1;

    PoolOutOfMemoryError(PoolExhaustedException cause) {
        super(cause.getMessage());
        initCause(cause);
    }
}
