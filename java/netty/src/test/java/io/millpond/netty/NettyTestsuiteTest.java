package io.millpond.netty;

import io.netty.testsuite.transport.socket.CompositeBufferGatheringWriteTest;
import io.netty.testsuite.transport.socket.DatagramUnicastInetTest;
import io.netty.testsuite.transport.socket.SocketAutoReadTest;
import io.netty.testsuite.transport.socket.SocketBufReleaseTest;
import io.netty.testsuite.transport.socket.SocketCancelWriteTest;
import io.netty.testsuite.transport.socket.SocketCloseForciblyTest;
import io.netty.testsuite.transport.socket.SocketEchoTest;
import io.netty.testsuite.transport.socket.SocketExceptionHandlingTest;
import io.netty.testsuite.transport.socket.SocketFileRegionTest;
import io.netty.testsuite.transport.socket.SocketFixedLengthEchoTest;
import io.netty.testsuite.transport.socket.SocketGatheringWriteTest;
import io.netty.testsuite.transport.socket.SocketReadPendingTest;
import io.netty.testsuite.transport.socket.SocketStringEchoTest;
import io.netty.testsuite.transport.socket.WriteBeforeRegisteredTest;
import org.junit.jupiter.api.Nested;

/**
 * Netty's testsuite of sockets, as far as it is about buffers and short. Millpond's is the only allocator in it, by the
 * {@code TestsuitePermutation} that stands beside these tests.
 */
class NettyTestsuiteTest {
    @Nested
    class AutoRead extends SocketAutoReadTest {
    }

    @Nested
    class BufRelease extends SocketBufReleaseTest {
    }

    @Nested
    class CancelWrite extends SocketCancelWriteTest {
    }

    @Nested
    class CloseForcibly extends SocketCloseForciblyTest {
    }

    @Nested
    class CompositeBufferGatheringWrite extends CompositeBufferGatheringWriteTest {
    }

    @Nested
    class DatagramUnicast extends DatagramUnicastInetTest {
    }

    @Nested
    class Echo extends SocketEchoTest {
    }

    @Nested
    class ExceptionHandling extends SocketExceptionHandlingTest {
    }

    @Nested
    class FileRegion extends SocketFileRegionTest {
    }

    @Nested
    class FixedLengthEcho extends SocketFixedLengthEchoTest {
    }

    @Nested
    class GatheringWrite extends SocketGatheringWriteTest {
    }

    @Nested
    class ReadPending extends SocketReadPendingTest {
    }

    @Nested
    class StringEcho extends SocketStringEchoTest {
    }

    @Nested
    class WriteBeforeRegistered extends WriteBeforeRegisteredTest {
    }
}
