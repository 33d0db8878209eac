/**
 * Servers on Netty with Millpond's allocator installed: a file server and a proxy, both with TLS. Start at
 * {@link io.millpond.examples.netty.HttpFileServer}; where the allocator goes in is in {@code Listener}.
 */
package io.millpond.examples.netty;
