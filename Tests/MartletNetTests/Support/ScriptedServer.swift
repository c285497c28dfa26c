import MartletNet
import NIOCore
import NIOPosix
import NIOSSL

/// A server on loopback that does what a test tells it, and reports what becomes of its connections.
struct ScriptedServer: Sendable {
    /// What a connection does once a whole request head has come in.
    enum Script: Sendable {
        /// Sends the bytes and leaves the connection open.
        case answer(String)
        /// Sends the bytes and closes.
        case answerAndClose(String)
        /// Closes with a reset.
        case reset
        /// Sends the bytes before anything was asked.
        case greet(String)
        /// Says nothing.
        case silence
        /// Sends back what has come in, as the body of a reply, and closes.
        case echo
    }

    enum Event: Sendable {
        case accepted
        /// Everything the client has sent up to now; comes with the end of a head.
        case request(String)
        case closed
    }

    let channel: any Channel
    let address: SocketAddress
    /// Ends when the server is stopped.
    let events: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation

    var port: Int { address.port ?? 0 }

    static func start(
        _ script: Script, tls: TLSServer? = nil, on address: SocketAddress? = nil
    ) async throws -> ScriptedServer {
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        let bootstrap = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(tls.makeHandler()) }
                    try channel.pipeline.syncOperations.addHandler(ScriptHandler(script, continuation))
                }
            }
        let target = try address ?? SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let channel = try await bootstrap.bind(to: target).get()
        return ScriptedServer(
            channel: channel, address: channel.localAddress ?? target, events: events, continuation: continuation)
    }

    func stop() async throws {
        try await channel.close()
        continuation.finish()
    }

    /// The first event that `choose` wants.
    func first<Found>(_ choose: (Event) -> Found?) async -> Found? {
        for await event in events {
            if let found = choose(event) { return found }
        }
        return nil
    }

    func firstRequest() async -> String? {
        await first { if case .request(let text) = $0 { text } else { nil } }
    }

    func firstClose() async {
        _ = await first { if case .closed = $0 { true } else { nil } }
    }
}

private final class ScriptHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let script: ScriptedServer.Script
    private let events: AsyncStream<ScriptedServer.Event>.Continuation
    private var received = ""

    init(_ script: ScriptedServer.Script, _ events: AsyncStream<ScriptedServer.Event>.Continuation) {
        self.script = script
        self.events = events
    }

    func channelActive(context: ChannelHandlerContext) {
        events.yield(.accepted)
        if case .greet(let text) = script {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += String(buffer: unwrapInboundIn(data))
        guard received.contains("\r\n\r\n") else { return }
        events.yield(.request(received))
        switch script {
        case .answer(let text):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        case .answerAndClose(let text):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            context.close(promise: nil)
        case .reset:
            context.channel.reset()
        case .silence, .greet:
            break
        case .echo:
            let reply = "HTTP/1.1 200 OK\r\nContent-Length: \(received.utf8.count)\r\n\r\n\(received)"
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: reply)), promise: nil)
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        events.yield(.closed)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
