package io.millpond.examples;

import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * Makes glibc give back what it has kept of freed memory, by the JVM's own diagnostic command. Used once, before anything is
 * measured: {@code allocateDirect} is built on malloc, and the memory its warm-up leaves there would otherwise count as
 * resident from the start and hide the same memory at the end.
 */
final class MallocTrim {
    private MallocTrim() {}

    /** Trims, or does nothing where the JVM (17.0.8 and older, or not HotSpot) has no such command. */
    static void run() {
        try {
            ManagementFactory.getPlatformMBeanServer()
                    .invoke(new ObjectName("com.sun.management:type=DiagnosticCommand"), "systemTrimNativeHeap", null, null);
        } catch (JMException e) {
            // The start is then measured higher, which is in favour of the run it belongs to.
        }
    }
}
