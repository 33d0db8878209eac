package io.millpond.benchmarks.server;

import io.millpond.examples.netty.SelfSigned;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;

/** What the server speaks. */
enum Protocol {
    /** HTTP without TLS. */
    PLAIN("http", null),
    /** TLS by netty-tcnative. */
    OPENSSL("https", SslProvider.OPENSSL),
    /** TLS by the JDK. */
    JDK("https-jdk", SslProvider.JDK);

    private final String program;
    private final SslProvider provider;

    Protocol(String program, SslProvider provider) {
        this.program = program;
        this.provider = provider;
    }

    /** What the records call it. */
    String program() {
        return program;
    }

    boolean isThere() {
        return provider != SslProvider.OPENSSL || OpenSsl.isAvailable();
    }

    boolean isEncrypted() {
        return provider != null;
    }

    String url(int port) {
        return (isEncrypted() ? "https" : "http") + "://localhost:" + port;
    }

    /** Null without TLS. */
    SslContext context() throws IOException, InterruptedException {
        return isEncrypted() ? SelfSigned.make().server(provider) : null;
    }
}
