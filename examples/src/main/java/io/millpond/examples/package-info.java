/**
 * A file server and its clients on loopback, run once with pooled buffers and once with {@code ByteBuffer.allocateDirect},
 * so that the two can be compared on one machine, and then the same questions to Millpond's allocator in Netty: all in less
 * than a minute. Start at {@link io.millpond.examples.FileServerDemo}; {@link io.millpond.examples.Quickstart} is the shortest
 * possible program.
 */
package io.millpond.examples;
