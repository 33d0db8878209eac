package io.millpond;

import io.millpond.internal.Block;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A block with the Java objects that belong to it: made when the block first comes to Java, kept while the block goes from
 * hand to hand.
 *
 * <p>A slot is in exactly one place: in a magazine (ready), in a handle (live), or in the {@link SlotTable} (parked, its
 * block being with the native library). While it is live nothing else refers to it, so that a forgotten handle makes the
 * root unreachable.
 *
 * <p>Threading: belongs to whoever holds the block.
 */
final class Slot extends Block {
    final PoolCore core;
    /** Covers the whole block. Made by JNI, so that every view of it keeps it reachable: the JDK's slices refer to it. */
    final ByteBuffer root;
    final Watch watch;
    final int sizeClass;
    /** A view that was handed out before, for when its size is asked for again; at first the root. */
    private ByteBuffer view;
    private int viewSize;
    /** The size that was asked for last. */
    private int lastSize;
    /** Where it was last taken; a way to the magazine that costs no look-up. */
    private Magazine home;

    Slot(ByteBuffer root, Watch watch) {
        this.core = watch.core;
        this.root = root;
        this.watch = watch;
        this.sizeClass = watch.sizeClass;
        this.view = root;
        this.viewSize = root.capacity();
    }

    @Override
    public ByteBuffer root() {
        return root;
    }

    @Override
    public long address() {
        return watch.address;
    }

    /** A new buffer of {@code size} bytes to all appearances. */
    ByteBuffer view(int size) {
        return viewSize == size ? view.clear().order(ByteOrder.BIG_ENDIAN) : otherView(size);
    }

    /** Keeps only what was asked for twice in a row: storing a new object's reference into an old one is expensive. */
    private ByteBuffer otherView(int size) {
        ByteBuffer other = root.slice(0, size);
        if (lastSize == size) {
            view = other;
            viewSize = size;
        }
        lastSize = size;
        return other;
    }

    Magazine home() {
        return home;
    }

    void setHome(Magazine magazine) {
        // Most often it is the same; storing a reference into an old object costs more than looking.
        if (home != magazine) {
            home = magazine;
        }
    }
}
