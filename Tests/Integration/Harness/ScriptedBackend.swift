import NIOCore
import NIOPosix
import Synchronization

/// A backend that keeps what it was sent, and answers as the test says.
///
/// For answers that the mock does not give, and for tests that look at what arrives, byte for byte.
final class ScriptedBackend: Sendable {
    /// What becomes of a request.
    enum Reply: Sendable {
        /// These bytes, as they are.
        case bytes(String)
        /// A whole answer, 200 with this body.
        case ok(String)
        /// These bytes, then the end of the connection in good order.
        case closing(String)
        /// A TCP reset.
        case reset
        /// Nothing.
        case silence
    }

    /// One request as it came, head and body.
    struct Request: Sendable {
        var text: String

        var line: String { String(text.prefix { !$0.isNewline }) }
        var body: String { text.firstRange(of: "\r\n\r\n").map { String(text[$0.upperBound...]) } ?? "" }

        /// The values of a header field in order; names in any case.
        func values(_ name: String) -> [String] {
            let head = text.firstRange(of: "\r\n\r\n").map { text[..<$0.lowerBound] } ?? text[...]
            return head.split(whereSeparator: \.isNewline).dropFirst().compactMap { line in
                guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased()
                else { return nil }
                return String(line[line.index(after: colon)...].drop { $0 == " " })
            }
        }
    }

    private let listener: any Channel
    private let keeper: Keeper

    let port: Int
    var url: String { "http://127.0.0.1:\(port)" }
    /// Every request that came whole, checks of its health left out.
    var requests: [Request] { keeper.requests.withLock { $0 } }

    private init(listener: any Channel, keeper: Keeper) {
        self.listener = listener
        self.keeper = keeper
        port = listener.localAddress?.port ?? 0
    }

    /// - Parameter reply: what becomes of a request; the number counts all requests from 1. `/health` gets 200.
    static func start(_ reply: @escaping @Sendable (Request, Int) -> Reply) async throws -> ScriptedBackend {
        let keeper = Keeper(reply)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    keeper.channels.withLock { $0.append(channel) }
                    try channel.pipeline.syncOperations.addHandler(ScriptedConnection(keeper))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return ScriptedBackend(listener: listener, keeper: keeper)
    }

    func stop() async {
        try? await listener.close()
        for channel in keeper.channels.withLock({ $0 }) { try? await channel.close() }
    }
}

/// Runs `body` with a backend that answers like this, and stops it at the end.
func withBackend(
    _ reply: @escaping @Sendable (ScriptedBackend.Request, Int) -> ScriptedBackend.Reply,
    body: (ScriptedBackend) async throws -> Void
) async throws {
    let backend = try await ScriptedBackend.start(reply)
    do {
        try await body(backend)
        await backend.stop()
    } catch {
        await backend.stop()
        throw error
    }
}

/// What the connections of one backend share.
private final class Keeper: Sendable {
    let requests = Mutex<[ScriptedBackend.Request]>([])
    let channels = Mutex<[any Channel]>([])
    let reply: @Sendable (ScriptedBackend.Request, Int) -> ScriptedBackend.Reply

    init(_ reply: @escaping @Sendable (ScriptedBackend.Request, Int) -> ScriptedBackend.Reply) {
        self.reply = reply
    }

    func answer(_ request: ScriptedBackend.Request) -> ScriptedBackend.Reply {
        guard !request.line.contains(" /health ") else { return .ok("fine") }
        let number = requests.withLock { requests in
            requests.append(request)
            return requests.count
        }
        return reply(request, number)
    }
}

private final class ScriptedConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let keeper: Keeper
    private var text = ""

    init(_ keeper: Keeper) {
        self.keeper = keeper
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: unwrapInboundIn(data))
        while let request = takeRequest() { carryOut(keeper.answer(request), context) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// The next whole request: by its length, or by the end of its chunks.
    private func takeRequest() -> ScriptedBackend.Request? {
        guard let headEnd = text.firstRange(of: "\r\n\r\n")?.upperBound else { return nil }
        let head = ScriptedBackend.Request(text: String(text[..<headEnd]))
        var end = headEnd
        if let length = head.values("content-length").first.flatMap({ Int($0) }) {
            guard text[headEnd...].utf8.count >= length else { return nil }
            end = text.utf8.index(headEnd, offsetBy: length)
        } else if !head.values("transfer-encoding").isEmpty {
            guard let last = text[headEnd...].firstRange(of: "0\r\n\r\n") else { return nil }
            end = last.upperBound
        }
        defer { text = String(text[end...]) }
        return ScriptedBackend.Request(text: String(text[..<end]))
    }

    private func carryOut(_ reply: ScriptedBackend.Reply, _ context: ChannelHandlerContext) {
        switch reply {
        case .silence: break
        case .bytes(let bytes): write(bytes, context)
        case .ok(let body): write("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)", context)
        case .closing(let bytes):
            write(bytes, context)
            context.close(promise: nil)
        case .reset:
            if let socket = context.channel as? any SocketOptionProvider {
                _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            }
            context.close(promise: nil)
        }
    }

    private func write(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }
}
