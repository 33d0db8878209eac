package io.millpond.benchmarks;

import io.millpond.BufferPool;
import io.millpond.PooledBuffer;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One buffer taken, written to once and given back, over and over in one thread: the shortest path there is. Beside it
 * {@link ByteBuffer#allocateDirect}, which has no way to give a buffer back; its figure contains the share of the garbage
 * collections that do.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 3, jvmArgsAppend = {"-Xms1g", "-Xmx1g"})
public class PairBenchmark {
    /** Capacity of the buffer in bytes: a header, a page, a socket buffer. */
    @Param({"256", "4096", "65536"})
    public int size;

    private BufferPool pool;

    /** Creates a pool with nothing in it. */
    @Setup
    public void openPool() {
        pool = BufferPool.builder().name("pair").build();
    }

    /** Gives all memory back. */
    @TearDown
    public void closePool() {
        pool.close();
    }

    /**
     * Millpond: {@code allocate} and {@code release}.
     *
     * @return something that depends on the buffer, so that no part of the work can be left out
     */
    @Benchmark
    public int millpond() {
        PooledBuffer buffer = pool.allocate(size);
        int remaining = touch(buffer.byteBuffer());
        buffer.release();
        return remaining;
    }

    /**
     * The JDK: {@code allocateDirect}, and the garbage collector.
     *
     * @return something that depends on the buffer, so that no part of the work can be left out
     */
    @Benchmark
    public int allocateDirect() {
        return touch(ByteBuffer.allocateDirect(size));
    }

    private static int touch(ByteBuffer buffer) {
        buffer.put(0, (byte) 1);
        return buffer.remaining();
    }
}
