package io.millpond.examples;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;

/**
 * A client's keep-alive connection. It fetches all files as a browser fetches the parts of a page: one after another, each kept
 * in its buffers until all are there. Then it compares their hashes, releases them, and begins anew.
 */
final class HttpConnection extends SimpleChannelInboundHandler<FullHttpResponse> {
    private final String host;
    private final List<Content> files;
    private final HttpClients clients;
    private final List<ByteBuf> kept = new ArrayList<>();
    private int roundsLeft;

    HttpConnection(String host, List<Content> files, int rounds, HttpClients clients) {
        this.host = host;
        this.files = files;
        this.clients = clients;
        this.roundsLeft = rounds;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        askForNext(context);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpResponse response) throws IOException {
        if (!HttpResponseStatus.OK.equals(response.status())) {
            throw new IOException("the server answered " + response.status() + " when asked for " + wanted().file());
        }
        ByteBuf body = response.content().retain();
        kept.add(body);
        clients.received(body.readableBytes());
        if (kept.size() == files.size()) {
            compare();
            roundsLeft--;
        }
        if (roundsLeft > 0) {
            askForNext(context);
        } else {
            context.close();
        }
    }

    private Content wanted() {
        return files.get(kept.size());
    }

    private void compare() {
        MessageDigest digest = Content.newSha256();
        for (int i = 0; i < files.size(); i++) {
            for (ByteBuffer memory : kept.get(i).nioBuffers()) {
                digest.update(memory);
            }
            clients.finished(MessageDigest.isEqual(files.get(i).sha256(), digest.digest()));
        }
        releaseKept();
    }

    private void releaseKept() {
        kept.forEach(ByteBuf::release);
        kept.clear();
    }

    private void askForNext(ChannelHandlerContext context) {
        HttpRequest request = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET,
                "/" + wanted().file().getFileName(), Unpooled.EMPTY_BUFFER);
        request.headers().set(HttpHeaderNames.HOST, host);
        context.writeAndFlush(request);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (roundsLeft > 0) {
            clients.fail(new EOFException("the server closed the connection before the end of " + wanted().file()));
        }
        releaseKept();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        clients.fail(cause);
        context.close();
    }
}
