import MartletNet
import MartletWire
import NIOCore
import NIOPosix
import Synchronization

/// A server of RESP that answers what a test has it answer.
final class FakeRedis: Sendable {
    enum Answer: Sendable {
        /// As it goes over the wire.
        case text(String)
        case nothing
        case close
    }

    /// What each connection said, and in how many pieces it came.
    private struct Seen {
        var commands: [[String]] = []
        var reads = 0
    }

    /// What was said, shared with the connections.
    private final class Log: Sendable {
        let seen = Mutex(Seen())
    }

    private let channel: any Channel
    private let log: Log
    let port: Int

    /// As a server of the newest version greets.
    static let hello = "%1\r\n$5\r\nproto\r\n:3\r\n"

    private init(_ channel: any Channel, _ log: Log) {
        self.channel = channel
        self.log = log
        port = channel.localAddress?.port ?? 0
    }

    var url: RedisURL { RedisURL(host: "127.0.0.1", port: port) }
    var commands: [[String]] { log.seen.withLock { $0.commands } }
    var reads: Int { log.seen.withLock { $0.reads } }

    static func start(
        tls: TLSServer? = nil, _ answer: @escaping @Sendable ([String]) -> Answer
    ) async throws -> FakeRedis {
        let log = Log()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(tls.makeHandler()) }
                    try channel.pipeline.syncOperations.addHandler(Handler(log, answer))
                }
            }
            .bind(to: try SocketAddress(ipAddress: "127.0.0.1", port: 0)).get()
        return FakeRedis(channel, log)
    }

    func stop() async throws { try await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let log: Log
        private let answer: @Sendable ([String]) -> Answer
        private var parser = RESPCommandParser(limits: RESPLimits(), isAuthenticated: true)
        private var input = ByteBuffer()

        init(_ log: Log, _ answer: @escaping @Sendable ([String]) -> Answer) {
            self.log = log
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            input.writeBuffer(&bytes)
            log.seen.withLock { $0.reads += 1 }
            while let words = try? parser.next(&input) {
                let command = words.map { String(buffer: $0) }
                log.seen.withLock { $0.commands.append(command) }
                switch answer(command) {
                case .text(let text):
                    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
                case .nothing: break
                case .close: return context.close(promise: nil)
                }
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
