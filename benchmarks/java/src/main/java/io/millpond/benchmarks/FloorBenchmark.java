package io.millpond.benchmarks;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * What no pool with exact handles can be below: finding what belongs to the thread, a new object for the handle, and the
 * atomic exchange that lets one release through.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FloorBenchmark {
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Handle.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final int BURST = 64;

    private final Handle[] live = new Handle[BURST];
    private final ThreadLocal<Mine> mine = ThreadLocal.withInitial(Mine::new);

    private static final class Mine {
        private Handle last;
    }

    private static final class Handle {
        private final Mine home;
        private volatile int state = 1;

        Handle(Mine home) {
            this.home = home;
        }
    }

    /**
     * The three.
     *
     * @return something that depends on all of them
     */
    @Benchmark
    public int floor() {
        Mine home = mine.get();
        Handle handle = new Handle(home);
        // Users put buffers into fields; this one is theirs.
        home.last = handle;
        return (int) STATE.getAndSet(handle, 0) + (handle.home == home ? 1 : 0);
    }

    /**
     * The three for 64 handles at a time, which are kept in an array as {@link BurstBenchmark} does.
     *
     * @return something that depends on all of them
     */
    @Benchmark
    @OperationsPerInvocation(BURST)
    public int burst() {
        for (int i = 0; i < BURST; i++) {
            live[i] = new Handle(mine.get());
        }
        int seen = 0;
        for (int i = 0; i < BURST; i++) {
            seen += (int) STATE.getAndSet(live[i], 0) + (live[i].home == mine.get() ? 1 : 0);
            live[i] = null;
        }
        return seen;
    }
}
