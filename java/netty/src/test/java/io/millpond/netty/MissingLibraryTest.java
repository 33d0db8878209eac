package io.millpond.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.function.Executable;

/** On a machine without the native library: a JVM of its own, because a library is looked for once. */
class MissingLibraryTest {
    private static final String PATH_PROPERTY = "io.millpond.native.path";

    /** What the JVM without the library does. */
    static final class Main {
        private Main() {
        }

        public static void main(String[] arguments) {
            ByteBufAllocator fallback = UnpooledByteBufAllocator.DEFAULT;
            assertSame(fallback, MillpondByteBufAllocator.orElse(fallback));
            MillpondByteBufAllocator allocator = MillpondByteBufAllocator.DEFAULT;
            // For Netty to close the channel that asked for it.
            assertRefused(PoolOutOfMemoryError.class, () -> allocator.directBuffer(100));
            assertRefused(PoolOutOfMemoryError.class, allocator::ioBuffer);
            assertRefused(UnsatisfiedLinkError.class, allocator::pool);
            ByteBuf heap = allocator.heapBuffer(100).writeInt(1);
            assertEquals(100, allocator.metric().usedHeapMemory());
            heap.release();
            assertEquals(0, allocator.metric().usedHeapMemory());
            assertEquals(0, allocator.metric().usedDirectMemory());
            assertEquals("MillpondByteBufAllocator[without the native library]", allocator.toString());
            System.out.println(OwnJvm.DONE);
        }

        /** By an error that says what was tried and what to do. */
        private static void assertRefused(Class<? extends Error> type, Executable executable) {
            String message = assertThrows(type, executable).getMessage();
            assertTrue(message.contains(System.getProperty(PATH_PROPERTY)), message);
            assertTrue(message.contains("does not exist"), message);
        }
    }

    @Test
    void fallsBackOrRefusesEveryDirectBuffer(@TempDir Path directory) throws Exception {
        OwnJvm.run(Main.class, directory.resolve("nowhere.so"));
    }
}
