package io.millpond.netty;

import io.netty.buffer.UnpooledHeapByteBuf;

/** Netty's own heap buffer, counted. */
final class HeapBuffer extends UnpooledHeapByteBuf {
    HeapBuffer(MillpondByteBufAllocator allocator, int initialCapacity, int maxCapacity) {
        super(allocator, initialCapacity, maxCapacity);
    }

    @Override
    protected byte[] allocateArray(int initialCapacity) {
        byte[] array = super.allocateArray(initialCapacity);
        ((MillpondByteBufAllocator) alloc()).countHeap(array.length);
        return array;
    }

    @Override
    protected void freeArray(byte[] array) {
        int length = array.length;
        super.freeArray(array);
        ((MillpondByteBufAllocator) alloc()).countHeap(-length);
    }
}
