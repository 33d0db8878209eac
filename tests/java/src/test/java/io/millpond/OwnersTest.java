package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The table in which threads find their magazines, whatever their numbers. */
class OwnersTest {
    private static final int ROUNDS = 20_000;

    @BeforeAll
    static void load() {
        NativeLibrary.ensureAvailability();
    }

    /** A class of threads may number them as it likes. */
    private static Thread numbered(long number) {
        return new Thread() {
            @Override
            public long getId() {
                return number;
            }
        };
    }

    private static Magazine magazineOf(Thread thread) {
        return new Magazine(thread, 1 << 20, new AtomicLong(1 << 20));
    }

    @Test
    void findsWhatIsInItAndNothingElse() {
        // So few numbers that many threads share one, and long runs of places are taken.
        for (int numbers : new int[] {1, 7, 1 << 20}) {
            Random random = new Random(numbers);
            Owners owners = new Owners();
            List<Thread> out = new ArrayList<>();
            List<Magazine> in = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                out.add(numbered(random.nextInt(numbers)));
            }
            for (int round = 0; round < ROUNDS; round++) {
                // It grows to nearly all of them and shrinks to nearly none, again and again.
                boolean grows = round / 500 % 2 == 0;
                if (!out.isEmpty() && (in.isEmpty() || random.nextInt(10) < (grows ? 7 : 3))) {
                    Magazine magazine = magazineOf(out.remove(random.nextInt(out.size())));
                    owners.reserve();
                    owners.add(magazine);
                    in.add(magazine);
                } else {
                    Magazine magazine = in.remove(random.nextInt(in.size()));
                    owners.remove(magazine);
                    out.add(magazine.owner);
                }
                if (round % 50 == 0) {
                    in.forEach(each -> assertSame(each, owners.find(each.owner)));
                    out.forEach(each -> assertNull(owners.find(each)));
                }
            }
        }
    }

    @Test
    void threadsFindTheirsWhileOthersComeAndGo() throws InterruptedException {
        try (BufferPool pool = BufferPool.builder().name("owners").maxMemory(64 << 20).build()) {
            Magazines magazines = pool.core().magazines();
            AtomicInteger running = new AtomicInteger(4);
            Threads.run(6, index -> {
                if (index < 4) {
                    try {
                        staysTheSame(magazines);
                    } finally {
                        running.decrementAndGet();
                    }
                } else {
                    while (running.get() > 0) {
                        Thread passer = new Thread(() -> pool.allocate(100).release());
                        passer.start();
                        passer.join();
                        pool.core().magazines().tidy(System.nanoTime(), Long.MAX_VALUE);
                    }
                }
            });
        }
    }

    private static void staysTheSame(Magazines magazines) {
        Thread thread = Thread.currentThread();
        Magazine mine = magazines.open(thread);
        for (int i = 0; i < ROUNDS; i++) {
            // What is being moved may be missed, and is found by who looks closer.
            Magazine found = magazines.find(thread);
            assertSame(mine, found != null ? found : magazines.open(thread));
        }
    }

    @Test
    void aThreadWhoseNumberChangesHasOneMagazineAllTheSame() throws InterruptedException {
        try (BufferPool pool = BufferPool.builder().name("owners").maxMemory(64 << 20).build()) {
            AtomicLong number = new AtomicLong();
            Thread thread = new Thread(() -> {
                for (int i = 0; i < 1000; i++) {
                    pool.allocate(100).release();
                }
                assertEquals(1, pool.stats().magazines());
            }) {
                @Override
                public long getId() {
                    return number.incrementAndGet();
                }
            };
            AtomicInteger failures = new AtomicInteger();
            thread.setUncaughtExceptionHandler((dead, e) -> failures.incrementAndGet());
            thread.start();
            thread.join();
            assertEquals(0, failures.get(), "it found another one each time");
        }
    }
}
