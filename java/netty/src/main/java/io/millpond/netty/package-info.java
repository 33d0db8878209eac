/**
 * Millpond's buffers for Netty, 4.1 and 4.2. {@link io.millpond.netty.MillpondByteBufAllocator} is where to begin.
 */
package io.millpond.netty;
