/**
 * An off-heap buffer pool that gives memory back. {@link io.millpond.BufferPool} is where to begin.
 */
module io.millpond {
    exports io.millpond;
}
