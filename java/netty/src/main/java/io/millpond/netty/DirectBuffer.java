package io.millpond.netty;

import io.millpond.internal.Block;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.GatheringByteChannel;
import java.nio.channels.ScatteringByteChannel;

/**
 * A buffer in a block of a pool. It is the block's companion: whoever takes the block again finds this object with it, so
 * that a buffer costs no object. A live buffer and its block refer to each other and nothing of the pool's refers to them,
 * so that a forgotten one is found.
 */
final class DirectBuffer extends DirectAccess {
    private static final int ZEROS = 4096;
    private static final ByteBuffer ZERO = ByteBuffer.allocateDirect(ZEROS).asReadOnlyBuffer();
    /** A block is exchanged for a smaller one only if this part of it, halved so many times, is enough. */
    private static final int SHRINK_SHIFT = 1;
    /** Bytes that {@link #indexOf} looks at in one go. */
    private static final int STRIDE = 32;
    private static final long LOWEST_BITS = 0x0101010101010101L;
    private static final long HIGHEST_BITS = LOWEST_BITS << 7;

    private Block block;
    /** For one thread at a time, as Netty's contract of {@link #internalNioBuffer} has it; made when it is first wanted. */
    private ByteBuffer scratch;
    private MillpondByteBufAllocator allocator;
    private int length;

    private DirectBuffer(Block block) {
        setRefCnt(0);
        attach(block, block.root().duplicate().clear());
    }

    /** The buffer that rests in a block, or a new one, for an allocator. It rests until it {@linkplain #begin begins}. */
    static DirectBuffer in(Block block, MillpondByteBufAllocator owner) {
        DirectBuffer buffer = block.companion() instanceof DirectBuffer resting ? resting : new DirectBuffer(block);
        if (buffer.allocator != owner) {
            buffer.allocator = owner;
        }
        return buffer;
    }

    private void attach(Block newBlock, ByteBuffer newMemory) {
        block = newBlock;
        memory = newMemory;
        scratch = null;
        newBlock.setCompanion(this);
    }

    /** Makes it a new buffer to all appearances. Nobody can release it before all else is done. */
    void begin(int capacity, int maxCapacity) {
        length = capacity;
        memory.limit(capacity);
        maxCapacity(maxCapacity);
        setIndex(0, 0);
        markReaderIndex();
        markWriterIndex();
        resetRefCnt();
    }

    /** Ends what nobody was given. */
    void abandon() {
        setRefCnt(0);
        deallocate();
    }

    @Override
    protected void deallocate() {
        memory.limit(0);
        allocator.give(block);
    }

    @Override
    public int capacity() {
        return length;
    }

    @Override
    public int maxFastWritableBytes() {
        return Math.min(memory.capacity(), maxCapacity()) - writerIndex();
    }

    @Override
    public ByteBuf capacity(int newCapacity) {
        checkNewCapacity(newCapacity);
        int old = length;
        if (newCapacity == old) {
            return this;
        }
        int room = memory.capacity();
        boolean fits = newCapacity <= room && (newCapacity > old || newCapacity > room >> SHRINK_SHIFT);
        if (!fits) {
            move(newCapacity, Math.min(old, newCapacity));
        }
        trimIndicesToCapacity(newCapacity);
        memory.limit(newCapacity);
        if (newCapacity > old && allocator.isZeroing()) {
            fillWithZeros(old, newCapacity - old);
        }
        length = newCapacity;
        return this;
    }

    /** Exchanges the block with another resting buffer, which then goes back with the old one. */
    private void move(int size, int bytes) {
        DirectBuffer other = allocator.take(size);
        try {
            other.memory.limit(size).put(0, memory, 0, bytes);
        } catch (Throwable e) {
            other.abandon();
            throw e;
        }
        Block oldBlock = block;
        ByteBuffer oldMemory = memory;
        attach(other.block, other.memory);
        other.attach(oldBlock, oldMemory);
        other.deallocate();
    }

    @Override
    public ByteBufAllocator alloc() {
        return allocator;
    }

    @Deprecated
    @Override
    public ByteOrder order() {
        return ByteOrder.BIG_ENDIAN;
    }

    @Override
    public ByteBuf unwrap() {
        return null;
    }

    @Override
    public boolean isDirect() {
        return true;
    }

    @Override
    public boolean isContiguous() {
        return true;
    }

    @Override
    public boolean hasArray() {
        return false;
    }

    @Override
    public byte[] array() {
        throw new UnsupportedOperationException("direct buffer");
    }

    @Override
    public int arrayOffset() {
        throw new UnsupportedOperationException("direct buffer");
    }

    @Override
    public boolean hasMemoryAddress() {
        return true;
    }

    @Override
    public long memoryAddress() {
        ensureAccessible();
        return block.address();
    }

    /**
     * Passes over all that cannot hold the byte, 32 at a time, and leaves it to Netty to find it in the rest: that has a branch
     * for each 8.
     */
    @Override
    public int indexOf(int from, int to, byte value) {
        int start = Math.max(from, 0);
        if (to < STRIDE || start > to - STRIDE) {
            return super.indexOf(from, to, value);
        }
        checkIndex(start, to - start);
        long eightTimes = (value & 0xff) * LOWEST_BITS;
        int last = to - STRIDE;
        while (start <= last && !isInStride(start, eightTimes)) {
            start += STRIDE;
        }
        return super.indexOf(start, to, value);
    }

    /** Whether one of the bytes from here on, in four words, is the same as all eight of the given word. */
    private boolean isInStride(int index, long eightTimes) {
        long first = _getLongLE(index) ^ eightTimes;
        long second = _getLongLE(index + 8) ^ eightTimes;
        long third = _getLongLE(index + 16) ^ eightTimes;
        long fourth = _getLongLE(index + 24) ^ eightTimes;
        // Subtracting one borrows from the highest bit of a byte that is zero; one above it may be taken for zero as well.
        long borrowed = first - LOWEST_BITS & ~first | second - LOWEST_BITS & ~second
            | third - LOWEST_BITS & ~third | fourth - LOWEST_BITS & ~fourth;
        return (borrowed & HIGHEST_BITS) != 0;
    }

    @Override
    public ByteBuf setZero(int index, int count) {
        checkIndex(index, count);
        fillWithZeros(index, count);
        return this;
    }

    private void fillWithZeros(int index, int count) {
        for (int done = 0; done < count;) {
            int some = Math.min(count - done, ZEROS);
            memory.put(index + done, ZERO, 0, some);
            done += some;
        }
    }

    @Override
    public ByteBuf writeZero(int count) {
        ensureWritable(count);
        int index = writerIndex();
        setZero(index, count);
        writerIndex(index + count);
        return this;
    }

    @Override
    public ByteBuf getBytes(int index, ByteBuf dst, int dstIndex, int count) {
        checkDstIndex(index, count, dstIndex, dst.capacity());
        if (dst instanceof DirectBuffer other) {
            other.ensureAccessible();
            other.memory.put(dstIndex, memory, index, count);
        } else if (dst.hasArray()) {
            memory.get(index, dst.array(), dst.arrayOffset() + dstIndex, count);
        } else if (dst.nioBufferCount() > 0) {
            int from = index;
            for (ByteBuffer part : dst.nioBuffers(dstIndex, count)) {
                int some = part.remaining();
                part.put(part.position(), memory, from, some);
                from += some;
            }
        } else {
            dst.setBytes(dstIndex, this, index, count);
        }
        return this;
    }

    @Override
    public ByteBuf getBytes(int index, byte[] dst, int dstIndex, int count) {
        checkDstIndex(index, count, dstIndex, dst.length);
        memory.get(index, dst, dstIndex, count);
        return this;
    }

    @Override
    public ByteBuf getBytes(int index, ByteBuffer dst) {
        int count = dst.remaining();
        checkIndex(index, count);
        int position = dst.position();
        dst.put(position, memory, index, count);
        dst.position(position + count);
        return this;
    }

    @Override
    public ByteBuf getBytes(int index, OutputStream out, int count) throws IOException {
        checkIndex(index, count);
        if (count > 0) {
            Streams.copy(memory, index, count, out);
        }
        return this;
    }

    @Override
    public int getBytes(int index, GatheringByteChannel out, int count) throws IOException {
        return count == 0 ? 0 : out.write(fresh(index, count));
    }

    @Override
    public int getBytes(int index, FileChannel out, long position, int count) throws IOException {
        return count == 0 ? 0 : out.write(fresh(index, count), position);
    }

    @Override
    public ByteBuf setBytes(int index, ByteBuf src, int srcIndex, int count) {
        checkSrcIndex(index, count, srcIndex, src.capacity());
        if (src instanceof DirectBuffer other) {
            other.ensureAccessible();
            memory.put(index, other.memory, srcIndex, count);
        } else if (src.hasArray()) {
            memory.put(index, src.array(), src.arrayOffset() + srcIndex, count);
        } else if (src.nioBufferCount() > 0) {
            int to = index;
            for (ByteBuffer part : src.nioBuffers(srcIndex, count)) {
                int some = part.remaining();
                memory.put(to, part, part.position(), some);
                to += some;
            }
        } else {
            src.getBytes(srcIndex, this, index, count);
        }
        return this;
    }

    @Override
    public ByteBuf setBytes(int index, byte[] src, int srcIndex, int count) {
        checkSrcIndex(index, count, srcIndex, src.length);
        memory.put(index, src, srcIndex, count);
        return this;
    }

    @Override
    public ByteBuf setBytes(int index, ByteBuffer src) {
        int count = src.remaining();
        checkIndex(index, count);
        int position = src.position();
        memory.put(index, src, position, count);
        src.position(position + count);
        return this;
    }

    @Override
    public int setBytes(int index, InputStream in, int count) throws IOException {
        checkIndex(index, count);
        return Streams.copy(in, memory, index, count);
    }

    @Override
    public int setBytes(int index, ScatteringByteChannel in, int count) throws IOException {
        ByteBuffer part = fresh(index, count);
        try {
            return in.read(part);
        } catch (ClosedChannelException e) {
            return -1;
        }
    }

    @Override
    public int setBytes(int index, FileChannel in, long position, int count) throws IOException {
        ByteBuffer part = fresh(index, count);
        try {
            return in.read(part, position);
        } catch (ClosedChannelException e) {
            return -1;
        }
    }

    @Override
    public int readBytes(GatheringByteChannel out, int count) throws IOException {
        checkReadableBytes(count);
        int written = count == 0 ? 0 : out.write(internalNioBuffer(readerIndex(), count));
        skipBytes(written);
        return written;
    }

    @Override
    public int readBytes(FileChannel out, long position, int count) throws IOException {
        checkReadableBytes(count);
        int written = count == 0 ? 0 : out.write(internalNioBuffer(readerIndex(), count), position);
        skipBytes(written);
        return written;
    }

    @Override
    public ByteBuf copy(int index, int count) {
        checkIndex(index, count);
        return allocator.directBuffer(count, maxCapacity()).writeBytes(this, index, count);
    }

    @Override
    public int nioBufferCount() {
        return 1;
    }

    @Override
    public ByteBuffer nioBuffer(int index, int count) {
        checkIndex(index, count);
        return memory.slice(index, count);
    }

    @Override
    public ByteBuffer[] nioBuffers(int index, int count) {
        return new ByteBuffer[] {nioBuffer(index, count)};
    }

    @Override
    public ByteBuffer internalNioBuffer(int index, int count) {
        checkIndex(index, count);
        ByteBuffer view = scratch;
        if (view == null) {
            view = memory.duplicate();
            scratch = view;
        }
        return view.limit(index + count).position(index);
    }

    /** A view of its own, because duplicates of this may do the same at the same time on other threads. */
    private ByteBuffer fresh(int index, int count) {
        checkIndex(index, count);
        return memory.duplicate().limit(index + count).position(index);
    }
}
