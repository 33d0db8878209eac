/** From records to the tables of {@code docs/benchmarks-java.md}. */
package io.millpond.benchmarks.report;
