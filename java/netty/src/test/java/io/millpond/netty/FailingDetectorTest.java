package io.millpond.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * No memory left for a buffer that is made but for the leak detector's part: the block goes back at once. In a JVM of its
 * own, because Netty asks for a detector once.
 */
class FailingDetectorTest {
    /** What the JVM with that detector does. */
    static final class Main {
        private static boolean failing = true;

        private Main() {
        }

        private static final class Detector<T> extends ResourceLeakDetector<T> {
            Detector(Class<T> type, int samplingInterval) {
                super(type, samplingInterval);
            }

            /** Asked before each buffer that is watched. */
            @Override
            protected boolean needReport() {
                if (failing) {
                    throw new OutOfMemoryError("of the detector");
                }
                return false;
            }
        }

        private static final class Factory extends ResourceLeakDetectorFactory {
            @Override
            public <T> ResourceLeakDetector<T> newResourceLeakDetector(Class<T> resource, int samplingInterval) {
                return new Detector<>(resource, samplingInterval);
            }

            @Deprecated
            @Override
            public <T> ResourceLeakDetector<T> newResourceLeakDetector(Class<T> resource, int samplingInterval, long max) {
                return newResourceLeakDetector(resource, samplingInterval);
            }
        }

        public static void main(String[] arguments) {
            ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
            ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(new Factory());
            try (Pools pools = new Pools()) {
                for (int i = 0; i < 100; i++) {
                    int size = 100 + i;
                    assertEquals("of the detector", assertThrows(OutOfMemoryError.class, () -> pools.buffer(size)).getMessage());
                    assertEquals(0, pools.pool.stats().usedBytes());
                }
                failing = false;
                ByteBuf one = pools.buffer(100);
                ByteBuf two = pools.buffer(100);
                assertTrue(one.memoryAddress() != two.memoryAddress());
                one.release();
                two.release();
                assertEquals(0, pools.pool.stats().forgottenBuffers());
            }
            System.out.println(OwnJvm.DONE);
        }
    }

    @Test
    void theBlockGoesBackAtOnce() throws Exception {
        OwnJvm.run(Main.class, Path.of(System.getProperty("io.millpond.native.path")));
    }
}
