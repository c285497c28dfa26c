import NIOCore
import NIOPosix
import Synchronization

/// A target on loopback that answers every read with what the test says, and tells of its requests.
struct Upstream: Sendable {
    enum Reply: Sendable {
        case text(String)
        /// Sends, then closes.
        case last(String)
    }

    let channel: any Channel
    let address: SocketAddress
    /// What came in, one element for each read.
    let requests: AsyncStream<String>
    /// One element for each connection that ended.
    let endings: AsyncStream<Void>
    /// Connections so far.
    let accepted: Shared<Int>

    static func start(_ reply: @escaping @Sendable (String) -> Reply) async throws -> Upstream {
        let (requests, continuation) = AsyncStream.makeStream(of: String.self)
        let (endings, ended) = AsyncStream.makeStream(of: Void.self)
        let accepted = Shared(0)
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                accepted.value += 1
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answering(reply: reply, requests: continuation))
                    channel.closeFuture.whenComplete { _ in ended.yield() }
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
        return Upstream(channel: channel, address: address, requests: requests, endings: endings, accepted: accepted)
    }

    func stop() async throws {
        try await channel.close()
    }

    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        let reply: @Sendable (String) -> Reply
        let requests: AsyncStream<String>.Continuation

        init(reply: @escaping @Sendable (String) -> Reply, requests: AsyncStream<String>.Continuation) {
            self.reply = reply
            self.requests = requests
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            requests.yield(text)
            switch reply(text) {
            case .text(let answer):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            case .last(let answer):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
                context.close(promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}

/// A value that a test changes while others read it.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { mutex = Mutex(value) }

    var value: Value {
        get { mutex.withLock { $0 } }
        set { mutex.withLock { $0 = newValue } }
    }
}
