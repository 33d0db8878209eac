package io.millpond.benchmarks;

import io.millpond.BufferPool;
import io.millpond.PooledBuffer;
import io.millpond.netty.MillpondByteBufAllocator;
import io.netty.buffer.AdaptiveByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.util.internal.PlatformDependent;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * What is compared: something that gives direct buffers and takes them back. A JVM loads the one that it measures and no
 * other, so that the compiler sees through these calls.
 *
 * <p>Threading: every method may be called from any thread.
 */
public abstract class Allocator implements AutoCloseable {
    /** Millpond's own buffers. */
    public static final String MILLPOND = "millpond";
    /** Millpond behind Netty's interface. */
    public static final String MILLPOND_NETTY = "millpond-netty";
    /** Netty's {@code PooledByteBufAllocator}, the default of 4.1. */
    public static final String POOLED = "pooled";
    /** Netty's {@code AdaptiveByteBufAllocator}, the default of 4.2. */
    public static final String ADAPTIVE = "adaptive";
    /** Netty's {@code UnpooledByteBufAllocator}. */
    public static final String UNPOOLED = "unpooled";
    /** {@link ByteBuffer#allocateDirect}, which only the garbage collector can take back. */
    public static final String DIRECT = "allocateDirect";

    private static final long MEMORY = 4L << 30;
    private static final int PAGE = 4096;

    /** All of them, and two of Netty's as they are fastest. */
    public static final List<String> NAMES = List.of(MILLPOND, MILLPOND_NETTY, POOLED, POOLED + Tuning.FAST, ADAPTIVE,
        ADAPTIVE + Tuning.FAST, UNPOOLED, DIRECT);

    /**
     * Makes one, in a JVM that was told its {@link Tuning#flags}.
     *
     * @param name one of {@link #NAMES}, or another that {@link Tuning} knows
     * @return a new one, in whose pool is nothing
     * @throws IllegalArgumentException if there is no such
     */
    public static Allocator named(String name) {
        return switch (name) {
            case MILLPOND -> over(BufferPool.builder().name("benchmark").maxMemory(MEMORY).build());
            case DIRECT -> new Direct();
            default -> new Netty(forNetty(name));
        };
    }

    /**
     * Makes one of Millpond for what other allocators do not have: options, and the pool at hand.
     *
     * @param pool where its buffers come from; closed by {@link #close}
     * @return a new one
     */
    public static Allocator over(BufferPool pool) {
        return new Millpond(pool);
    }

    /**
     * Makes one that Netty can use.
     *
     * @param name as for {@link #named}, but not {@link #MILLPOND} or {@link #DIRECT}
     * @return a new one, in whose pool is nothing
     * @throws IllegalArgumentException if there is no such
     */
    public static ByteBufAllocator forNetty(String name) {
        requireUnsafe();
        return switch (Tuning.untuned(name)) {
            case MILLPOND_NETTY -> new MillpondByteBufAllocator(BufferPool.builder().name(name).maxMemory(MEMORY).build());
            case POOLED -> new PooledByteBufAllocator(true);
            case ADAPTIVE -> new AdaptiveByteBufAllocator(true);
            case UNPOOLED -> new UnpooledByteBufAllocator(true);
            default -> throw new IllegalArgumentException("no allocator is called '" + name + "', there are " + NAMES);
        };
    }

    /** Without it Netty's buffers take longer ways everywhere, and no figure of theirs would be fair. */
    private static void requireUnsafe() {
        if (!PlatformDependent.hasUnsafe() || !PlatformDependent.useDirectBufferNoCleaner()) {
            throw new IllegalStateException("Netty cannot use Unsafe in this JVM; it wants the flags of Jdk.flags()");
        }
    }

    /**
     * Allocates.
     *
     * @param size bytes of capacity
     * @return the buffer, for {@link #touch} and {@link #give}
     */
    public abstract Object take(int size);

    /**
     * Writes the first byte, as a user would.
     *
     * @param buffer what {@link #take} gave
     * @return something that depends on the buffer
     */
    public abstract int touch(Object buffer);

    /**
     * Writes a byte to each page.
     *
     * @param buffer what {@link #take} gave
     */
    public abstract void fill(Object buffer);

    /**
     * Has a buffer grow, its contents kept, as a sender of unknown length does.
     *
     * @param buffer what {@link #take} gave
     * @param size its new capacity in bytes, above the old one
     * @return the buffer to be used instead of it
     */
    public abstract Object grow(Object buffer, int size);

    /**
     * Releases.
     *
     * @param buffer what {@link #take} gave, once
     */
    public abstract void give(Object buffer);

    /** Gives back what can be given back. */
    @Override
    public void close() {}

    private static final class Millpond extends Allocator {
        private final BufferPool pool;

        Millpond(BufferPool pool) {
            this.pool = pool;
        }

        @Override
        public Object take(int size) {
            return pool.allocate(size);
        }

        @Override
        public int touch(Object buffer) {
            return Allocator.touch(((PooledBuffer) buffer).byteBuffer());
        }

        @Override
        public void fill(Object buffer) {
            Allocator.fill(((PooledBuffer) buffer).byteBuffer());
        }

        @Override
        public Object grow(Object buffer, int size) {
            PooledBuffer old = (PooledBuffer) buffer;
            PooledBuffer grown = pool.allocate(size);
            copy(old.byteBuffer(), grown.byteBuffer());
            old.release();
            return grown;
        }

        @Override
        public void give(Object buffer) {
            ((PooledBuffer) buffer).release();
        }

        @Override
        public void close() {
            pool.close();
        }
    }

    private static final class Netty extends Allocator {
        private final ByteBufAllocator allocator;

        Netty(ByteBufAllocator allocator) {
            this.allocator = allocator;
        }

        @Override
        public Object take(int size) {
            return allocator.directBuffer(size);
        }

        @Override
        public int touch(Object buffer) {
            ByteBuf bytes = (ByteBuf) buffer;
            bytes.setByte(0, 1);
            return bytes.capacity();
        }

        @Override
        public void fill(Object buffer) {
            ByteBuf bytes = (ByteBuf) buffer;
            for (int i = 0; i < bytes.capacity(); i += PAGE) {
                bytes.setByte(i, 1);
            }
        }

        @Override
        public Object grow(Object buffer, int size) {
            return ((ByteBuf) buffer).capacity(size);
        }

        @Override
        public void give(Object buffer) {
            ((ByteBuf) buffer).release();
        }

        @Override
        public void close() {
            if (allocator instanceof MillpondByteBufAllocator millpond) {
                millpond.pool().close();
            }
        }
    }

    private static final class Direct extends Allocator {
        @Override
        public Object take(int size) {
            return ByteBuffer.allocateDirect(size);
        }

        @Override
        public int touch(Object buffer) {
            return Allocator.touch((ByteBuffer) buffer);
        }

        @Override
        public void fill(Object buffer) {
            Allocator.fill((ByteBuffer) buffer);
        }

        @Override
        public Object grow(Object buffer, int size) {
            ByteBuffer grown = ByteBuffer.allocateDirect(size);
            copy((ByteBuffer) buffer, grown);
            return grown;
        }

        @Override
        public void give(Object buffer) {
            // Dropped: there is no other way.
        }
    }

    private static int touch(ByteBuffer bytes) {
        bytes.put(0, (byte) 1);
        return bytes.remaining();
    }

    private static void copy(ByteBuffer from, ByteBuffer to) {
        to.put(0, from, 0, from.capacity());
    }

    private static void fill(ByteBuffer bytes) {
        for (int i = 0; i < bytes.capacity(); i += PAGE) {
            bytes.put(i, (byte) 1);
        }
    }
}
