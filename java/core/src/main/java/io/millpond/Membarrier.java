package io.millpond;

/**
 * The system call {@code membarrier(2)}, which old kernels do not have and sandboxes forbid. Where it is, those who seldom come
 * pay for the order between threads; where it is not, those who often come do.
 */
final class Membarrier {
    /** Whether it is there. A constant, so that the compiler sees through it. */
    static final boolean EXISTS = !Boolean.getBoolean("io.millpond.without-membarrier") && Native.membarrier();

    private Membarrier() {
    }

    /** Makes every running thread of the process pass a full barrier; false if it cannot. */
    static boolean run() {
        return EXISTS && Native.membarrier();
    }
}
