import MartletNet
import NIOCore
import NIOPosix

/// Our end of a child's socket: what is read becomes a stream that ends with the connection.
struct SocketPeer: Sendable {
    let channel: any Channel
    let reads: AsyncStream<String>

    init(_ socket: ChildSocket) async throws {
        let (reads, continuation) = AsyncStream<String>.makeStream()
        self.reads = reads
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        channel = try await socket.channel(on: loop) { channel in
            try channel.pipeline.syncOperations.addHandler(Reader(continuation))
        }.get()
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let continuation: AsyncStream<String>.Continuation

        init(_ continuation: AsyncStream<String>.Continuation) {
            self.continuation = continuation
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            continuation.yield(String(buffer: unwrapInboundIn(data)))
        }

        func channelInactive(context: ChannelHandlerContext) {
            continuation.finish()
        }
    }
}
