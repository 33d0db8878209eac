package io.netty.testsuite.transport;

import io.millpond.BufferPool;
import io.millpond.netty.MillpondByteBufAllocator;
import io.netty.bootstrap.AbstractBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * What Netty's testsuite runs each of its tests with, instead of the class of that name in its jar: Millpond's allocator, and
 * no other, unless it is told so.
 */
public final class TestsuitePermutation {
    private static final BufferPool POOL = BufferPool.builder().name("netty-testsuite").maxMemory(512 << 20).build();
    private static volatile List<ByteBufAllocator> allocators = List.of(new MillpondByteBufAllocator(POOL));

    private TestsuitePermutation() {
    }

    /** Of a client or a datagram channel. */
    public interface BootstrapFactory<CB extends AbstractBootstrap<?, ?>> {
        CB newInstance();
    }

    /** Of a server and a client. */
    public interface BootstrapComboFactory<SB extends AbstractBootstrap<?, ?>, CB extends AbstractBootstrap<?, ?>> {
        SB newServerInstance();

        CB newClientInstance();
    }

    /** From now on, Netty's default allocator and no other, to see what fails without Millpond. */
    public static void useNettys() {
        allocators = List.of(ByteBufAllocator.DEFAULT);
    }

    public static List<ByteBufAllocator> allocator() {
        return allocators;
    }

    public static ByteBuf randomBufferType(ByteBufAllocator allocator, byte[] data, int offset, int length) {
        return ThreadLocalRandom.current().nextBoolean() ? allocator.directBuffer().writeBytes(data, offset, length)
                : Unpooled.wrappedBuffer(data, offset, length);
    }
}
