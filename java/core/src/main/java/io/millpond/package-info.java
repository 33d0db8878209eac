/**
 * An off-heap buffer pool: direct buffers in nanoseconds, given back by an explicit release, under a hard limit, from
 * memory that returns to the operating system when it is idle.
 *
 * <p>{@link io.millpond.BufferPool} is where to begin. Memory and every decision about it belong to a native library;
 * the classes here hand it out as ordinary {@link java.nio.ByteBuffer}s.
 */
package io.millpond;
