/** JMH benchmarks of the pool and of what it is compared with. */
package io.millpond.benchmarks;
