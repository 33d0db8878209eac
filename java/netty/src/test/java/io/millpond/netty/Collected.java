package io.millpond.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.concurrent.CompletableFuture;
import java.util.zip.CRC32;

/** Counts and sums what comes in, and tells when all of it has come. */
final class Collected extends ChannelInboundHandlerAdapter {
    private final CRC32 crc = new CRC32();
    private final CompletableFuture<Long> done = new CompletableFuture<>();
    private long missing;

    Collected(long bytes) {
        missing = bytes;
    }

    long crc() throws Exception {
        return done.get();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf buffer = (ByteBuf) message;
        try {
            missing -= buffer.readableBytes();
            for (java.nio.ByteBuffer part : buffer.nioBuffers()) {
                crc.update(part);
            }
            if (missing <= 0) {
                done.complete(crc.getValue());
            }
        } finally {
            buffer.release();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        done.completeExceptionally(new IllegalStateException("closed, " + missing + " bytes missing"));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        done.completeExceptionally(cause);
        context.close();
    }
}
