package io.millpond.benchmarks.memory;

import io.millpond.benchmarks.Jdk;

/**
 * What is compared.
 *
 * @param jdk what it runs on
 * @param allocator one of {@link io.millpond.benchmarks.Allocator#NAMES}
 */
public record Candidate(Jdk jdk, String allocator) {
    @Override
    public String toString() {
        return "JDK " + jdk.version() + ", " + allocator;
    }
}
