package io.millpond;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlatformTest {
    @ParameterizedTest
    @CsvSource({
        "Linux, amd64, glibc, linux-x86_64",
        "Linux, x86_64, glibc, linux-x86_64",
        "LINUX, X86-64, '', linux-x86_64",
        "Linux, x64, glibc, linux-x86_64",
        "Linux, aarch64, glibc, linux-aarch_64",
        "Linux, arm64, '', linux-aarch_64",
    })
    void aPlatformHasItsClassifier(String os, String arch, String libc, String classifier) {
        Platform platform = Platform.of(os, arch, libc);
        assertEquals(classifier, platform.classifier);
        assertNull(platform.problem);
    }

    @ParameterizedTest
    @CsvSource({
        "Windows 11, amd64, '', Windows 11",
        "Mac OS X, aarch64, '', Mac OS X",
        "Linux, riscv64, glibc, riscv64",
        "Linux, i386, glibc, i386",
        "Linux, amd64, musl, musl",
        "'', '', '', Linux only",
    })
    void whatIsNotSupportedIsNamed(String os, String arch, String libc, String named) {
        Platform platform = Platform.of(os, arch, libc);
        assertNull(platform.classifier);
        assertTrue(platform.problem.contains(named), platform.problem);
    }

    @ParameterizedTest
    @CsvSource({
        "7f00-7f01 r-xp 00000000 08:01 1  /lib/x86_64-linux-gnu/libc.so.6, glibc",
        "7f00-7f01 r-xp 00000000 08:01 1  /lib64/libc-2.17.so, glibc",
        "7f00-7f01 r-xp 00000000 08:01 1  /lib/ld-musl-x86_64.so.1, musl",
        "7f00-7f01 r-xp 00000000 08:01 1  /usr/lib/libc.musl-aarch64.so.1, musl",
        "7f00-7f01 rw-p 00000000 00:00 0  [heap], ''",
        "7f00-7f01 r-xp 00000000 08:01 1  /usr/lib/libcrypto.so.3, ''",
    })
    void theMapsTellTheLibc(String line, String libc) {
        assertEquals(libc, Platform.libcOf(line));
    }

    @Test
    void thisOneIsSupported() {
        assertNotNull(Platform.current().classifier, Platform.current()::toString);
        assertTrue(Platform.current().toString().contains(System.getProperty("os.arch")));
    }
}
