package io.millpond.netty;

import io.millpond.internal.Block;
import io.netty.buffer.AbstractReferenceCountedByteBuf;
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
 *
 * <p>Accesses are absolute ones to a view over the whole block: plain loads and stores after a check of bounds.
 */
final class DirectBuffer extends AbstractReferenceCountedByteBuf {
    private static final int ZEROS = 4096;
    private static final ByteBuffer ZERO = ByteBuffer.allocateDirect(ZEROS).asReadOnlyBuffer();
    /** A block is exchanged for a smaller one only if this part of it, halved so many times, is enough. */
    private static final int SHRINK_SHIFT = 1;

    private Block block;
    /** Over the whole block, and nobody else's. */
    private ByteBuffer memory;
    /** For one thread at a time, as Netty's contract of {@link #internalNioBuffer} has it; made when it is first wanted. */
    private ByteBuffer scratch;
    private MillpondByteBufAllocator allocator;
    private int length;

    DirectBuffer(Block block) {
        super(Integer.MAX_VALUE);
        attach(block, block.root().duplicate().clear());
    }

    private void attach(Block newBlock, ByteBuffer newMemory) {
        block = newBlock;
        memory = newMemory;
        scratch = null;
        newBlock.setCompanion(this);
    }

    /** Makes it a new buffer to all appearances. */
    void begin(MillpondByteBufAllocator owner, int capacity, int maxCapacity) {
        if (allocator != owner) {
            allocator = owner;
        }
        length = capacity;
        maxCapacity(maxCapacity);
        resetRefCnt();
        setIndex(0, 0);
        markReaderIndex();
        markWriterIndex();
    }

    @Override
    protected void deallocate() {
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
        length = newCapacity;
        if (newCapacity > old) {
            if (allocator.isZeroing()) {
                setZero(old, newCapacity - old);
            }
        } else if (writerIndex() > newCapacity) {
            // The reader first: it may not be beyond the writer at any time.
            readerIndex(Math.min(readerIndex(), newCapacity));
            writerIndex(newCapacity);
        }
        return this;
    }

    /** Into another block, which may have a resting companion: that one gets the old block. */
    private void move(int size, int bytes) {
        Block oldBlock = block;
        ByteBuffer oldMemory = memory;
        Block newBlock = allocator.take(size);
        DirectBuffer other = newBlock.companion() instanceof DirectBuffer resting ? resting : null;
        ByteBuffer newMemory = other != null ? other.memory : newBlock.root().duplicate().clear();
        newMemory.put(0, oldMemory, 0, bytes);
        attach(newBlock, newMemory);
        if (other != null) {
            other.attach(oldBlock, oldMemory);
        } else {
            oldBlock.setCompanion(null);
        }
        allocator.give(oldBlock);
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

    @Override
    protected byte _getByte(int index) {
        return memory.get(index);
    }

    @Override
    protected short _getShort(int index) {
        return memory.getShort(index);
    }

    @Override
    protected short _getShortLE(int index) {
        return Short.reverseBytes(memory.getShort(index));
    }

    @Override
    protected int _getUnsignedMedium(int index) {
        return (memory.getShort(index) & 0xffff) << 8 | memory.get(index + 2) & 0xff;
    }

    @Override
    protected int _getUnsignedMediumLE(int index) {
        return Short.reverseBytes(memory.getShort(index)) & 0xffff | (memory.get(index + 2) & 0xff) << 16;
    }

    @Override
    protected int _getInt(int index) {
        return memory.getInt(index);
    }

    @Override
    protected int _getIntLE(int index) {
        return Integer.reverseBytes(memory.getInt(index));
    }

    @Override
    protected long _getLong(int index) {
        return memory.getLong(index);
    }

    @Override
    protected long _getLongLE(int index) {
        return Long.reverseBytes(memory.getLong(index));
    }

    @Override
    protected void _setByte(int index, int value) {
        memory.put(index, (byte) value);
    }

    @Override
    protected void _setShort(int index, int value) {
        memory.putShort(index, (short) value);
    }

    @Override
    protected void _setShortLE(int index, int value) {
        memory.putShort(index, Short.reverseBytes((short) value));
    }

    @Override
    protected void _setMedium(int index, int value) {
        memory.putShort(index, (short) (value >>> 8));
        memory.put(index + 2, (byte) value);
    }

    @Override
    protected void _setMediumLE(int index, int value) {
        memory.putShort(index, Short.reverseBytes((short) value));
        memory.put(index + 2, (byte) (value >>> 16));
    }

    @Override
    protected void _setInt(int index, int value) {
        memory.putInt(index, value);
    }

    @Override
    protected void _setIntLE(int index, int value) {
        memory.putInt(index, Integer.reverseBytes(value));
    }

    @Override
    protected void _setLong(int index, long value) {
        memory.putLong(index, value);
    }

    @Override
    protected void _setLongLE(int index, long value) {
        memory.putLong(index, Long.reverseBytes(value));
    }

    @Override
    public ByteBuf setZero(int index, int count) {
        checkIndex(index, count);
        for (int done = 0; done < count;) {
            int some = Math.min(count - done, ZEROS);
            memory.put(index + done, ZERO, 0, some);
            done += some;
        }
        return this;
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
