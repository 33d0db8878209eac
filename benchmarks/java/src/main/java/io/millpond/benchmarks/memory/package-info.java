/**
 * Programs beside JMH: what a process keeps after a burst, whether it survives in a container, how long giving back takes,
 * and what buffers cost on the Java heap. Each starts JVMs of its own and appends what it found to a file.
 */
package io.millpond.benchmarks.memory;
