package io.millpond.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.netty4.NettyAllocatorMetrics;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.buffer.ByteBuf;
import org.junit.jupiter.api.Test;

/** Micrometer's own metrics of an allocator, bound to this one. */
class MicrometerTest {
    private final MeterRegistry registry = new SimpleMeterRegistry();

    private double used(String memory) {
        return registry.get("netty.allocator.memory.used").tag("memory.type", memory)
                .tag("allocator.type", "MillpondByteBufAllocator").gauge().value();
    }

    @Test
    void showsWhatIsUsed() {
        try (Pools pools = new Pools()) {
            new NettyAllocatorMetrics(pools.allocator).bindTo(registry);
            assertEquals(0, used("direct"));
            ByteBuf small = pools.buffer(1000);
            ByteBuf large = pools.buffer(5 << 20);
            assertEquals(1024 + (5 << 20), used("direct"), "by the sizes of blocks");
            ByteBuf heap = pools.allocator.heapBuffer(777);
            assertEquals(777, used("heap"));
            small.release();
            assertEquals(5 << 20, used("direct"));
            large.release();
            heap.release();
            assertEquals(0, used("direct"));
            assertEquals(0, used("heap"));
        }
    }
}
