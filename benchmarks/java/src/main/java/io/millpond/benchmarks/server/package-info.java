/** An HTTP server under load, with each allocator in turn. */
package io.millpond.benchmarks.server;
