import NIOCore
import NIOPosix

/// A client's connection: sends bytes as they are and cuts answers out of what comes back.
final class Client: Sendable {
    private let channel: any Channel
    private let log: NIOLoopBound<ClientLog>

    private init(channel: any Channel, log: NIOLoopBound<ClientLog>) {
        self.channel = channel
        self.log = log
    }

    /// - Parameter source: the local address to come from, such as `127.0.0.2`.
    static func connect(_ port: Int, from source: String? = nil, reads: Bool = true) async throws -> Client {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let log = try await loop.submit { NIOLoopBound(ClientLog(), eventLoop: loop) }.get()
        var bootstrap = ClientBootstrap(group: loop)
            .channelOption(.autoRead, value: reads)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(log.value) }
            }
        if let source { bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: source, port: 0)) }
        return Client(channel: try await bootstrap.connect(host: "127.0.0.1", port: port).get(), log: log)
    }

    /// One request on a connection of its own, and its whole answer.
    static func ask(
        _ method: String, _ path: String, port: Int, headers: [String] = [], body: String? = nil,
        from source: String? = nil, within limit: Duration = .seconds(10)
    ) async throws -> Answer {
        let client = try await connect(port, from: source)
        do {
            try await client.send(request(method, path, headers: headers + ["Connection: close"], body: body))
            let answer = try await client.answer(to: method, within: limit)
            await client.close()
            return answer
        } catch {
            await client.close()
            throw error
        }
    }

    static func request(_ method: String, _ path: String, headers: [String] = [], body: String? = nil) -> String {
        var lines = ["\(method) \(path) HTTP/1.1"]
        if !headers.contains(where: { $0.lowercased().hasPrefix("host:") }) { lines.append("Host: localhost") }
        lines += headers
        if let body { lines.append("Content-Length: \(body.utf8.count)") }
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    /// The next answer, whole or as far as it came before the connection ended; 1xx answers are passed over.
    func answer(to method: String = "GET", within limit: Duration = .seconds(10)) async throws -> Answer {
        try await wait(within: limit) { text, end in
            var rest = Substring(text)
            while let answer = Answer(cutFrom: &rest, method: method, end: end) {
                guard (100..<200).contains(answer.status) else { return (answer, rest.utf8.count) }
            }
            return end == .open ? nil : (Answer(text, end), 0)
        }
    }

    /// Everything that came and was not taken, once it contains `part`.
    func receive(containing part: String, within limit: Duration = .seconds(10)) async throws -> String {
        try await wait(within: limit) { text, end in
            text.contains(part) || end != .open ? (text, text.utf8.count) : nil
        }
    }

    /// How the connection ended, once it did.
    func ending(within limit: Duration = .seconds(10)) async throws -> Answer.End {
        try await wait(within: limit) { text, end in end == .open ? nil : (end, text.utf8.count) }
    }

    /// Takes no more bytes off the connection, or takes them again.
    func setReading(_ isOn: Bool) async throws {
        try await channel.setOption(.autoRead, value: isOn).get()
        if isOn { channel.read() }
    }

    /// Ends its own direction (FIN) and still listens.
    func halfClose() async throws {
        try await channel.close(mode: .output).get()
    }

    func close() async {
        try? await channel.close()
    }

    /// Leaves with a TCP reset.
    func reset() async throws {
        if let socket = channel as? any SocketOptionProvider {
            try await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        await close()
    }

    private func wait<Value: Sendable>(
        within limit: Duration, _ find: @escaping @Sendable (String, Answer.End) -> (Value, rest: Int)?
    ) async throws -> Value {
        let loop = channel.eventLoop
        let log = log
        return try await loop.flatSubmit {
            let promise = loop.makePromise(of: Value.self)
            let timer = loop.scheduleTask(in: TimeAmount(limit)) {
                promise.fail(WaitedInVain(what: "an answer", explanation: "came: \(log.value.text.suffix(500))"))
            }
            promise.futureResult.whenComplete { _ in timer.cancel() }
            log.value.wait {
                guard let (value, rest) = find(log.value.text, log.value.end) else { return false }
                log.value.text = String(log.value.text.suffix(utf8: rest))
                promise.succeed(value)
                return true
            }
            return promise.futureResult
        }.get()
    }
}

/// The handler behind ``Client``.
private final class ClientLog: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    var text = ""
    private(set) var end = Answer.End.open
    private var check: (() -> Bool)?

    func wait(_ check: @escaping () -> Bool) {
        self.check = check() ? nil : check
    }

    private func changed() {
        if check?() == true { check = nil }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: unwrapInboundIn(data))
        changed()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed, end == .open {
            end = .closed
            changed()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? IOError, error.errnoCode == 104, end == .open { end = .reset }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if end == .open { end = .closed }
        changed()
    }
}

extension String {
    fileprivate func suffix(utf8 count: Int) -> Substring {
        self[utf8.index(endIndex, offsetBy: -min(count, utf8.count))...]
    }
}
