package io.millpond.netty;

import io.netty.buffer.AbstractReferenceCountedByteBuf;
import io.netty.buffer.ByteBuf;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Single values in the memory of a direct buffer, read and written by plain loads and stores.
 *
 * <p>They are checked once, where Netty checks the reference count and the bounds and then the view checks its own: the
 * view's limit is the buffer's capacity while it lives and zero afterwards, so that the view's check says it all. What it
 * refuses is looked at again by Netty's checks, which know what to complain about.
 */
abstract class DirectAccess extends AbstractReferenceCountedByteBuf {
    private static final VarHandle SHORT = view(short[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle SHORT_LE = view(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = view(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle INT_LE = view(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = view(long[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle LONG_LE = view(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** Over the whole block, and nobody else's. Its limit is the capacity, or zero if the buffer is released. */
    ByteBuffer memory;

    DirectAccess() {
        super(Integer.MAX_VALUE);
    }

    private static VarHandle view(Class<?> array, ByteOrder order) {
        // Of all ways to these values it has the fewest instructions: one comparison, and no look at the order.
        return MethodHandles.byteBufferViewVarHandle(array, order);
    }

    /** What Netty says of an access that the view refused. */
    private IndexOutOfBoundsException refused(int index, int bytes, IndexOutOfBoundsException refusal) {
        checkIndex(index, bytes);
        return refusal;
    }

    @Override
    public byte getByte(int index) {
        try {
            return memory.get(index);
        } catch (IndexOutOfBoundsException e) {
            throw refused(index, Byte.BYTES, e);
        }
    }

    @Override
    protected byte _getByte(int index) {
        return memory.get(index);
    }

    @Override
    public short getShort(int index) {
        try {
            return (short) SHORT.get(memory, index);
        } catch (IndexOutOfBoundsException e) {
            throw refused(index, Short.BYTES, e);
        }
    }

    @Override
    protected short _getShort(int index) {
        return (short) SHORT.get(memory, index);
    }

    @Override
    public short getShortLE(int index) {
        try {
            return (short) SHORT_LE.get(memory, index);
        } catch (IndexOutOfBoundsException e) {
            throw refused(index, Short.BYTES, e);
        }
    }

    @Override
    protected short _getShortLE(int index) {
        return (short) SHORT_LE.get(memory, index);
    }

    @Override
    public int getInt(int index) {
        try {
            return (int) INT.get(memory, index);
        } catch (IndexOutOfBoundsException e) {
            throw refused(index, Integer.BYTES, e);
        }
    }

    @Override
    protected int _getInt(int index) {
        return (int) INT.get(memory, index);
    }

    @Override
    public int getIntLE(int index) {
        try {
            return (int) INT_LE.get(memory, index);
        } catch (IndexOutOfBoundsException e) {
            throw refused(index, Integer.BYTES, e);
        }
    }

    @Override
    protected int _getIntLE(int index) {
        return (int) INT_LE.get(memory, index);
    }

    @Override
    public long getLong(int index) {
        try {
            return (long) LONG.get(memory, index);
        } catch (IndexOutOfBoundsException e) {
            throw refused(index, Long.BYTES, e);
        }
    }

    @Override
    protected long _getLong(int index) {
        return (long) LONG.get(memory, index);
    }

    @Override
    public long getLongLE(int index) {
        try {
            return (long) LONG_LE.get(memory, index);
        } catch (IndexOutOfBoundsException e) {
            throw refused(index, Long.BYTES, e);
        }
    }

    @Override
    protected long _getLongLE(int index) {
        return (long) LONG_LE.get(memory, index);
    }

    @Override
    protected int _getUnsignedMedium(int index) {
        return (_getShort(index) & 0xffff) << 8 | _getByte(index + 2) & 0xff;
    }

    @Override
    protected int _getUnsignedMediumLE(int index) {
        return _getShortLE(index) & 0xffff | (_getByte(index + 2) & 0xff) << 16;
    }

    @Override
    public ByteBuf setByte(int index, int value) {
        try {
            memory.put(index, (byte) value);
        } catch (IndexOutOfBoundsException e) {
            throw refused(index, Byte.BYTES, e);
        }
        return this;
    }

    @Override
    protected void _setByte(int index, int value) {
        memory.put(index, (byte) value);
    }

    @Override
    public ByteBuf setShort(int index, int value) {
        try {
            SHORT.set(memory, index, (short) value);
        } catch (IndexOutOfBoundsException e) {
            throw refused(index, Short.BYTES, e);
        }
        return this;
    }

    @Override
    protected void _setShort(int index, int value) {
        SHORT.set(memory, index, (short) value);
    }

    @Override
    public ByteBuf setShortLE(int index, int value) {
        try {
            SHORT_LE.set(memory, index, (short) value);
        } catch (IndexOutOfBoundsException e) {
            throw refused(index, Short.BYTES, e);
        }
        return this;
    }

    @Override
    protected void _setShortLE(int index, int value) {
        SHORT_LE.set(memory, index, (short) value);
    }

    @Override
    public ByteBuf setInt(int index, int value) {
        try {
            INT.set(memory, index, value);
        } catch (IndexOutOfBoundsException e) {
            throw refused(index, Integer.BYTES, e);
        }
        return this;
    }

    @Override
    protected void _setInt(int index, int value) {
        INT.set(memory, index, value);
    }

    @Override
    public ByteBuf setIntLE(int index, int value) {
        try {
            INT_LE.set(memory, index, value);
        } catch (IndexOutOfBoundsException e) {
            throw refused(index, Integer.BYTES, e);
        }
        return this;
    }

    @Override
    protected void _setIntLE(int index, int value) {
        INT_LE.set(memory, index, value);
    }

    @Override
    public ByteBuf setLong(int index, long value) {
        try {
            LONG.set(memory, index, value);
        } catch (IndexOutOfBoundsException e) {
            throw refused(index, Long.BYTES, e);
        }
        return this;
    }

    @Override
    protected void _setLong(int index, long value) {
        LONG.set(memory, index, value);
    }

    @Override
    public ByteBuf setLongLE(int index, long value) {
        try {
            LONG_LE.set(memory, index, value);
        } catch (IndexOutOfBoundsException e) {
            throw refused(index, Long.BYTES, e);
        }
        return this;
    }

    @Override
    protected void _setLongLE(int index, long value) {
        LONG_LE.set(memory, index, value);
    }

    @Override
    protected void _setMedium(int index, int value) {
        _setShort(index, value >>> 8);
        _setByte(index + 2, value);
    }

    @Override
    protected void _setMediumLE(int index, int value) {
        _setShortLE(index, value);
        _setByte(index + 2, value >>> 16);
    }
}
