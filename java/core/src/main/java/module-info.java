/**
 * An off-heap buffer pool that gives memory back. {@link io.millpond.BufferPool} is where to begin.
 */
// The adapters are not there when this is compiled.
@SuppressWarnings("module")
module io.millpond {
    exports io.millpond;
    exports io.millpond.internal to io.millpond.netty;
}
