package io.millpond.applications;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.millpond.netty.MillpondByteBufAllocator;
import io.netty.channel.ChannelOption;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;

/** A gRPC server and a client, over loopback, on Millpond's allocator. */
public final class GrpcApplication {
    private static final int BYTES = 100_000;

    private GrpcApplication() {
    }

    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /**
     * Calls its own server once.
     *
     * @param arguments none
     * @throws IOException if the server does not start
     */
    public static void main(String[] arguments) throws IOException {
        MillpondByteBufAllocator allocator = MillpondByteBufAllocator.DEFAULT;
        MethodDescriptor<byte[], byte[]> echo = MethodDescriptor.newBuilder(new Bytes(), new Bytes())
                .setType(MethodDescriptor.MethodType.UNARY).setFullMethodName("tests.Echo/Echo").build();
        Server server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .withOption(ChannelOption.ALLOCATOR, allocator)
                .withChildOption(ChannelOption.ALLOCATOR, allocator)
                .addService(ServerServiceDefinition.builder("tests.Echo")
                        .addMethod(echo, ServerCalls.asyncUnaryCall((request, observer) -> {
                            observer.onNext(request);
                            observer.onCompleted();
                        })).build())
                .build().start();
        ManagedChannel channel = NettyChannelBuilder
                .forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.getPort()))
                .withOption(ChannelOption.ALLOCATOR, allocator)
                .usePlaintext().build();
        byte[] bytes = new byte[BYTES];
        Arrays.fill(bytes, (byte) 42);
        byte[] echoed = ClientCalls.blockingUnaryCall(channel, echo, CallOptions.DEFAULT, bytes);
        channel.shutdownNow();
        server.shutdownNow();
        System.out.println(Arrays.equals(bytes, echoed) && allocator.pool().stats().allocations() > 0 ? "done" : "failed");
        System.exit(0);
    }
}
