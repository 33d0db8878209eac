package io.millpond.internal;

import java.nio.ByteBuffer;

/**
 * A block of memory of a pool, with the objects that belong to it for as long as it goes from hand to hand.
 *
 * <p>Threading: belongs to whoever took it.
 */
public abstract class Block {
    /**
     * What its users find convenient to keep with it from one time to the next; null at first. Whoever takes the block
     * may be another kind of user than the one who left this here.
     */
    private Object companion;

    /** For the pool only. */
    protected Block() {
    }

    /**
     * The memory. Every view of it keeps the block from being taken for forgotten. Its position, limit and order are not
     * to be relied upon, and not to be changed: whoever has the block works on a duplicate.
     *
     * @return always the same buffer, over the whole block
     */
    public abstract ByteBuffer root();

    /**
     * Where the memory is.
     *
     * @return the address of the first byte
     */
    public abstract long address();

    /**
     * What was last left here.
     *
     * @return any object, or null
     */
    public final Object companion() {
        return companion;
    }

    /**
     * Leaves something here for whoever takes the block next.
     *
     * @param companion any object that keeps nothing but this block reachable, or null
     */
    public final void setCompanion(Object companion) {
        this.companion = companion;
    }
}
