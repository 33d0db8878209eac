package io.millpond.examples.netty;

import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;

/**
 * A certificate for {@value #HOST} that nobody has signed, and TLS with it. The JDK's keytool makes it: Netty's own way needs
 * classes that not every JDK exports.
 */
public final class SelfSigned {
    /** The host that the certificate is for. */
    public static final String HOST = "localhost";

    private static final String ALIAS = "server";
    private static final String STORE_TYPE = "PKCS12";
    /** Protects a file that is deleted at once, in a directory that only this user can enter. */
    private static final String PASSWORD = "millpond";

    private final PrivateKey key;
    private final X509Certificate certificate;

    private SelfSigned(PrivateKey key, X509Certificate certificate) {
        this.key = key;
        this.certificate = certificate;
    }

    /**
     * Makes a new key and certificate.
     *
     * @return both
     * @throws IOException if keytool is not there or does not work
     * @throws InterruptedException if somebody interrupts this thread while it waits for keytool
     */
    public static SelfSigned make() throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("millpond-tls-");
        Path file = directory.resolve("server.p12");
        try {
            keytool("-genkeypair", "-alias", ALIAS, "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=" + HOST,
                    "-ext", "SAN=dns:" + HOST, "-storetype", STORE_TYPE, "-storepass", PASSWORD, "-keystore", file.toString());
            return load(file);
        } finally {
            Files.deleteIfExists(file);
            Files.delete(directory);
        }
    }

    private static void keytool(String... arguments) throws IOException, InterruptedException {
        String[] command = new String[arguments.length + 1];
        command[0] = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        // It would start with options that were meant for this JVM.
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException("keytool ended with status " + process.exitValue() + ": " + output);
        }
    }

    private static SelfSigned load(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            KeyStore store = KeyStore.getInstance(STORE_TYPE);
            store.load(in, PASSWORD.toCharArray());
            return new SelfSigned((PrivateKey) store.getKey(ALIAS, PASSWORD.toCharArray()),
                    (X509Certificate) store.getCertificate(ALIAS));
        } catch (GeneralSecurityException e) {
            throw new IOException("what keytool has made cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * The faster provider of TLS where it is there.
     *
     * @return netty-tcnative's if it can be loaded, otherwise the JDK's
     */
    public static SslProvider bestProvider() {
        return OpenSsl.isAvailable() ? SslProvider.OPENSSL : SslProvider.JDK;
    }

    /**
     * TLS for a server that shows this certificate.
     *
     * @param provider who does it
     * @return the context
     * @throws IOException if the provider does not want to
     */
    public SslContext server(SslProvider provider) throws IOException {
        return SslContextBuilder.forServer(key, certificate).sslProvider(provider).build();
    }

    /**
     * TLS for a client that trusts this certificate and no other.
     *
     * @param provider who does it
     * @return the context
     * @throws IOException if the provider does not want to
     */
    public SslContext client(SslProvider provider) throws IOException {
        return SslContextBuilder.forClient().trustManager(certificate).sslProvider(provider).build();
    }
}
