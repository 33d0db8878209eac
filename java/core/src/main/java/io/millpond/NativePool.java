package io.millpond;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A pool of the native library. It is destroyed, and its address space unmapped, when this object cannot be reached any
 * more: every root buffer keeps it reachable through its {@link Watch}, and every call through {@code this}, so nothing
 * is unmapped that somebody can still look at.
 *
 * <p>Threading: every method may be called from any thread.
 */
final class NativePool {
    /** The limit is reached, and nothing more could be freed. */
    static final int LIMIT = -1;
    /** The pool is closed. */
    static final int CLOSED = -2;
    private static final int PANIC = -3;
    private static final int BAD_ARGUMENT = -4;
    /** The operating system gave no memory; its error number is subtracted from this. */
    private static final int SYSTEM = -1000;

    /* Where the figures of stats() are. */
    static final int USED = 0;
    static final int CACHED_THREADS = 1;
    static final int CACHED_DEPOT = 2;
    static final int CACHED_HUGE = 3;
    static final int DIRTY = 4;
    static final int COMMITTED = 5;
    static final int PEAK_COMMITTED = 6;
    static final int LIMIT_BYTES = 7;
    static final int RESERVED = 8;
    static final int METADATA = 9;
    static final int LIVE_BLOCKS = 10;
    static final int HUGE_LIVE_BYTES = 11;
    static final int THREAD_CACHES = 12;
    static final int CHUNKS = 13;
    static final int PURGES = 14;
    static final int PURGED_BYTES = 15;
    static final int FAILURES = 16;
    static final int BAD_FREES = 17;
    static final int VIOLATIONS = 18;
    static final int QUARANTINED = 19;
    static final int PURGE_FAILURES = 20;
    static final int FIGURES = 21;
    /** Bytes of all lines of reports: the library keeps 64, and none is longer than 256 bytes. */
    static final int REPORTS_BYTES = 64 * 256;

    final Destruction destruction;
    private final long handle;

    /** Makes a direct buffer over each of {@code count} addresses, into the same places. If it throws, there are some. */
    static void newBuffers(long[] addresses, int count, long capacity, ByteBuffer[] into) {
        checked(Native.newBuffers(addresses, count, capacity, into));
    }

    /** Parent may be null. */
    NativePool(PoolOptions options, NativePool parent) {
        long made = Native.createPool(options.name().getBytes(StandardCharsets.UTF_8), options.maxMemory(),
                options.decay().toNanos(), parent == null ? 0 : parent.handle, options.checked());
        if (made <= SYSTEM) {
            throw refused(options.name(), SYSTEM - made);
        }
        handle = checked(made);
        Reference.reachabilityFence(parent);
        try {
            destruction = new Destruction(this);
        } catch (Throwable e) {
            Native.destroyPool(handle);
            throw e;
        }
    }

    /** The very end, unless the class loader goes as well: then it is the library that destroys what is left. */
    static final class Destruction extends Ending {
        volatile boolean done;
        private final long handle;

        private Destruction(NativePool pool) {
            super(pool);
            this.handle = pool.handle;
        }

        @Override
        void happen() {
            // None: an error struck as this was made, and the pool is destroyed already.
            if (handle != 0) {
                checked(Native.destroyPool(handle));
            }
            done = true;
        }
    }

    /**
     * Takes blocks into the first places of {@code addresses}.
     *
     * @return how many, at most {@code count}; if there are none {@link #LIMIT}, {@link #CLOSED}, or what the system refused with
     */
    int take(int sizeClass, long[] addresses, int count) {
        try {
            return (int) checked(Native.take(handle, sizeClass, addresses, count));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Gives the first {@code count} blocks of {@code addresses} back. Nobody uses them any more. */
    void give(int sizeClass, long[] addresses, int count) {
        try {
            checked(Native.give(handle, sizeClass, addresses, count));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Takes a block into {@code address}; returns 0, or an error code as {@link #take}. A thread that is stopped would lose
     * what is returned, but not what is written.
     */
    int takeHuge(long size, long[] address) {
        try {
            return (int) checked(Native.takeHuge(handle, size, address));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Gives one block back, of a class or huge, past the cache of this thread. */
    void giveOne(int sizeClass, long address) {
        try {
            checked(sizeClass == SizeClass.HUGE
                    ? Native.giveHuge(handle, address)
                    : Native.giveOne(handle, sizeClass, address));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** As {@link #takeHuge}, a block of a checked pool. */
    int takeChecked(long size, long[] address) {
        try {
            return (int) checked(Native.takeChecked(handle, size, address));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    void giveChecked(long address) {
        try {
            checked(Native.giveChecked(handle, address));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Joins the line of those who wait for a block of so many bytes. Returns the place, or an error code as {@link #take}. */
    long joinLine(long bytes) {
        try {
            return checked(Native.joinLine(handle, bytes));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    void leaveLine(long place) {
        try {
            checked(Native.leaveLine(handle, place));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Whether the one at that place should try. True once for each time. */
    boolean isCalled(long place) {
        try {
            return checked(Native.isCalled(handle, place)) > 0;
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Takes a block for the one at that place. Writes its address and returns 1, or an error code as {@link #take}. */
    int takeInLine(long bytes, long place, long[] address) {
        try {
            return (int) checked(Native.takeInLine(handle, bytes, place, address));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** What the library found wrong since the last call. {@code lines} is for {@link #REPORTS_BYTES}, to work with. */
    List<Report> reports(byte[] lines) {
        try {
            int length = (int) checked(Native.reports(handle, lines));
            return length == 0 ? List.of()
                    : new String(lines, 0, length, StandardCharsets.UTF_8).lines().map(Report::of).toList();
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Something wrong with the block at an address. */
    record Report(long address, String sentence) {
        private static Report of(String line) {
            int space = line.indexOf(' ');
            return new Report(Long.parseLong(line.substring(0, space)), line.substring(space + 1));
        }
    }

    /** Does what time asks for. Returns whether there are {@link #reports}. */
    boolean tick(long nowNanos) {
        try {
            return checked(Native.tick(handle, nowNanos)) > 0;
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Gives all free memory back to the operating system; returns the bytes. */
    long trim() {
        try {
            return checked(Native.trim(handle));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Gives no blocks any more. Returns the bytes still out. May be called again. */
    long close() {
        try {
            return checked(Native.closePool(handle));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** The figures, at the places that the constants of this class name. */
    long[] stats() {
        long[] figures = new long[FIGURES];
        stats(figures);
        return figures;
    }

    /** The same, into an array of that length. */
    void stats(long[] figures) {
        try {
            checked(Native.stats(handle, figures));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** The error number in what a call returned; 0 if it is not the system that refused. */
    static int systemError(long result) {
        return result <= SYSTEM ? (int) (SYSTEM - result) : 0;
    }

    private static long checked(long result) {
        if (result == PANIC) {
            throw new InternalError(
                    "the native library panicked; its message is on the standard error stream, please report it");
        }
        if (result == BAD_ARGUMENT) {
            throw new InternalError("the native library refused an argument; please report it");
        }
        return result;
    }

    private static OutOfMemoryError refused(String name, long errno) {
        return new OutOfMemoryError("pool '" + name + "' cannot be made: the operating system gives no memory for its first "
                + "pages (error " + errno + "); look at ulimit -v, vm.max_map_count and the memory limit of the container");
    }
}
