package io.millpond.examples;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.LongAdder;

/**
 * What most code does without a pool: {@link ByteBuffer#allocateDirect(int)} for each buffer. The JDK has no way to free such
 * a buffer, so {@link Lease#release()} only counts, and the memory comes back when the garbage collector finds it.
 */
final class DirectSource implements BufferSource {
    private final BufferPoolMXBean directBuffers = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
            .filter(bean -> bean.getName().equals("direct"))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("this JVM has no java.nio:type=BufferPool,name=direct"));
    private final LongAdder live = new LongAdder();
    private final LongAdder used = new LongAdder();

    @Override
    public Lease take(int size) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(size);
        live.increment();
        used.add(size);
        return new DirectLease(buffer);
    }

    @Override
    public Usage usage() {
        long inUse = used.sum();
        long committed = directBuffers.getMemoryUsed();
        return new Usage(live.sum(), inUse, Math.max(0, committed - inUse), committed);
    }

    @Override
    public long unreleased() {
        return live.sum();
    }

    @Override
    public String statistics() {
        return "";
    }

    @Override
    public void close() {
        // Nothing to give back: only the garbage collector can.
    }

    private final class DirectLease implements Lease {
        private ByteBuffer buffer;

        DirectLease(ByteBuffer buffer) {
            this.buffer = buffer;
        }

        @Override
        public ByteBuffer buffer() {
            return buffer;
        }

        @Override
        public void release() {
            live.decrement();
            used.add(-buffer.capacity());
            buffer = null;
        }
    }
}
