package io.millpond.benchmarks;

import static io.millpond.benchmarks.Allocator.ADAPTIVE;
import static io.millpond.benchmarks.Allocator.POOLED;
import static io.millpond.benchmarks.Allocator.UNPOOLED;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What Netty's allocators can be told, and a JVM beside them. Under their own names they are as they come; with {@link #FAST}
 * behind it they keep whatever makes them faster, with {@link #LEAN} they give back what they can.
 */
public final class Tuning {
    /** Behind a name: told to be fast, whatever memory it takes. */
    public static final String FAST = "-fast";
    /** Behind a name: told to hold as little as it can. */
    public static final String LEAN = "-lean";

    /** Each of the objects that are handed out is recycled, not one in eight, and as many as are live in any benchmark. */
    private static final List<String> RECYCLER =
        List.of("-Dio.netty.recycler.ratio=1", "-Dio.netty.recycler.maxCapacityPerThread=16384");
    /** The JVM has malloc give back what is free, once a second: what is freed below it comes back no other way. */
    private static final String TRIM_MALLOC = "-XX:TrimNativeHeapInterval=1000";

    private static final Map<String, List<String>> FLAGS = Map.of(
        POOLED + FAST, with(RECYCLER,
            // Thread caches hold 32 KiB at most otherwise, and belong to Netty's threads alone.
            "-Dio.netty.allocator.maxCachedBufferCapacity=1048576",
            "-Dio.netty.allocator.useCacheForAllThreads=true",
            // An arena for each thread of any benchmark, not two for each processor.
            "-Dio.netty.allocator.numDirectArenas=32",
            // Chunks of 16 MiB: 8 MiB are more than a chunk of 4, and past the pool.
            "-Dio.netty.allocator.maxOrder=11"),
        ADAPTIVE + FAST, with(RECYCLER,
            "-Dio.netty.allocator.useCachedMagazinesForNonEventLoopThreads=true",
            // Chunks that a thread, or all of them, keep for reuse: 8 MiB a size class and four chunks otherwise.
            "-Dio.netty.allocator.threadLocalChunkCacheMaxBytes=1073741824",
            "-Dio.netty.allocator.chunkPurgeThreshold=1000000",
            "-Dio.netty.allocator.chunkReuseQueueCapacity=1024",
            "-Dio.netty.allocator.magazineBufferQueueCapacity=16384"),
        POOLED + LEAN, List.of("-Dio.netty.allocator.cacheTrimIntervalMillis=1000", TRIM_MALLOC),
        ADAPTIVE + LEAN, List.of(
            "-Dio.netty.allocator.threadLocalChunkCacheMaxBytes=1",
            "-Dio.netty.allocator.chunkPurgeThreshold=1",
            "-Dio.netty.allocator.chunkReuseQueueCapacity=2", TRIM_MALLOC),
        UNPOOLED + LEAN, List.of(TRIM_MALLOC));

    private Tuning() {}

    private static List<String> with(List<String> flags, String... more) {
        return Stream.concat(flags.stream(), Stream.of(more)).toList();
    }

    /**
     * How a JVM is to be started.
     *
     * @param allocator the name of the allocator that it measures
     * @param others flags that all of them get
     * @return they, and what this one is told besides
     */
    public static List<String> flags(String allocator, List<String> others) {
        return with(others, FLAGS.getOrDefault(allocator, List.of()).toArray(new String[0]));
    }

    /**
     * Takes the endings off.
     *
     * @param allocator the name of an allocator
     * @return what it is called as it comes
     */
    static String untuned(String allocator) {
        return FLAGS.containsKey(allocator) ? allocator.substring(0, allocator.lastIndexOf('-')) : allocator;
    }
}
