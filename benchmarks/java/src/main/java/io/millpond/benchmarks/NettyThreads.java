package io.millpond.benchmarks;

import io.netty.util.concurrent.DefaultEventExecutorGroup;
import io.netty.util.concurrent.DefaultThreadFactory;

/**
 * Netty's own event executors, one thread each: what its event loops are to an allocator. A thread of Netty's class alone
 * would not do, as the adaptive allocator has magazines of its own only for threads whose executor it finds. JMH runs its
 * workers on them when told so by {@code -Djmh.executor=CUSTOM} and {@code -Djmh.executor.class}; tasks go to them in turn.
 */
public final class NettyThreads extends DefaultEventExecutorGroup {
    /**
     * As JMH calls it.
     *
     * @param threads how many, at least 1
     * @param prefix what their names begin with
     */
    public NettyThreads(int threads, String prefix) {
        super(threads, new DefaultThreadFactory(prefix));
    }
}
