package io.millpond.examples.netty;

import io.millpond.netty.MillpondByteBufAllocator;

/** The end of servers that run until their process is told to end. */
final class Shutdown {
    private Shutdown() {}

    /**
     * Sees to it that the servers are closed, in this order, when the process is told to end (SIGTERM, Ctrl-C), and that what
     * they have left behind is printed. Their event loops keep the process alive until then.
     */
    static void whenTold(AutoCloseable... servers) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(servers), "shutdown"));
    }

    private static void close(AutoCloseable... servers) {
        try {
            for (AutoCloseable server : servers) {
                server.close();
            }
            System.out.println(LeakReport.of(MillpondByteBufAllocator.DEFAULT.pool()));
        } catch (Exception e) {
            System.err.println("The servers did not end as they should: " + e);
        }
    }
}
