package io.millpond.benchmarks;

import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Threads of the class that Netty's event loops run on, for which its allocators keep their caches. JMH runs its
 * workers on them when told so by {@code -Djmh.executor=CUSTOM} and {@code -Djmh.executor.class}.
 */
public final class NettyThreads extends ThreadPoolExecutor {
    /**
     * As JMH calls it.
     *
     * @param threads how many, at least 1
     * @param prefix what their names begin with
     */
    public NettyThreads(int threads, String prefix) {
        super(threads, threads, 0, TimeUnit.MILLISECONDS, new LinkedBlockingQueue<>(), new DefaultThreadFactory(prefix));
    }
}
