import MartletNet
import MartletWire
import NIOCore
import NIOPosix
import Synchronization

/// Greets as a broker does, and says nothing to all that waits.
final class MuteBroker: Sendable {
    private final class Counter: Sendable {
        let connections = Atomic(0)
    }

    private let channel: any Channel
    private let counter: Counter

    var url: RedisURL { RedisURL(host: "127.0.0.1", port: channel.localAddress?.port ?? 0) }
    var connections: Int { counter.connections.load(ordering: .relaxed) }

    private init(_ channel: any Channel, _ counter: Counter) {
        self.channel = channel
        self.counter = counter
    }

    static func start() async throws -> MuteBroker {
        let counter = Counter()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                counter.connections.add(1, ordering: .relaxed)
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Greeter())
                }
            }
            .bind(to: try SocketAddress(ipAddress: "127.0.0.1", port: 0)).get()
        return MuteBroker(channel, counter)
    }

    func stop() async throws { try await channel.close() }

    private final class Greeter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard String(buffer: unwrapInboundIn(data)).contains("HELLO") else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "%0\r\n")), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
