import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// One end of a raw connection, a client or a backend: it sends bytes as they are, and collects what comes back and how
/// the connection ended.
final class Peer: Sendable {
    enum End: Equatable {
        case open
        /// The other side ended it in good order.
        case closed
        case reset
    }

    /// What came from the other side.
    struct Heard: Sendable {
        var bytes: ByteBuffer
        var end: End
        /// `CLOCK_MONOTONIC`, when the end came.
        var endedAt: NIODeadline?

        var text: String { String(buffer: bytes) }
    }

    /// What to wait for.
    enum Goal: Sendable {
        case text(String)
        /// The last bytes that came; cheaper than ``text(_:)`` where much comes.
        case ending(String)
        case bytes(Int)
        case that(@Sendable (Heard) -> Bool)
        case end
    }

    struct TimedOut: Error, CustomStringConvertible {
        let goal: Goal
        let seen: String
        var description: String { "waited in vain for \(goal); came: \(seen.suffix(500))" }
    }

    let channel: any Channel
    private let log: NIOLoopBound<PeerLog>

    init(channel: any Channel, log: NIOLoopBound<PeerLog>) {
        self.channel = channel
        self.log = log
    }

    /// Connects to a port of this machine, with TLS when a context is given.
    ///
    /// - Parameters:
    ///   - source: the local address to come from, such as `127.0.0.2`.
    ///   - sendsToTheEnd: goes on sending after the other side has ended its direction, as blocking clients do.
    static func connect(
        _ port: Int, from source: String? = nil, tls: NIOSSLContext? = nil, receiveBuffer: Int? = nil,
        reads: Bool = true, sendsToTheEnd: Bool = false
    ) async throws -> Peer {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let log = try await loop.submit { NIOLoopBound(PeerLog(), eventLoop: loop) }.get()
        var bootstrap = ClientBootstrap(group: loop)
            .channelOption(.autoRead, value: reads)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.allowRemoteHalfClosure, value: sendsToTheEnd)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: "localhost")
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    try channel.pipeline.syncOperations.addHandler(log.value)
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(receiveBuffer))
        }
        if let source { bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: source, port: 0)) }
        return Peer(channel: try await bootstrap.connect(host: "127.0.0.1", port: port).get(), log: log)
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    func send(_ bytes: ByteBuffer) async throws {
        try await channel.writeAndFlush(bytes).get()
    }

    /// Starts to send and does not wait for the other side to take it.
    func begin(sending bytes: ByteBuffer) {
        channel.writeAndFlush(bytes, promise: nil)
    }

    /// All that has come, once the goal is reached or the connection has ended.
    func receive(_ goal: Goal, within limit: TimeAmount = .seconds(10)) async throws -> Heard {
        let loop = channel.eventLoop
        let log = log
        return try await loop.flatSubmit {
            let promise = loop.makePromise(of: Heard.self)
            let timer = loop.scheduleTask(in: limit) {
                promise.fail(TimedOut(goal: goal, seen: log.value.heard.text))
            }
            promise.futureResult.whenComplete { _ in timer.cancel() }
            log.value.wait(for: goal, promise)
            return promise.futureResult
        }.get()
    }

    /// Removes and returns the head of a request, its empty line included; nil when the connection ends before.
    func takeHead() async throws -> String? {
        let heard = try await receive(.text("\r\n\r\n"), within: .seconds(60))
        let bytes = heard.bytes.readableBytesView
        guard let range = bytes.firstRange(of: "\r\n\r\n".utf8) else { return nil }
        let head = bytes[..<range.upperBound]
        try await forget(head.count)
        return String(decoding: head, as: UTF8.self)
    }

    /// Forgets the first bytes that came.
    func forget(_ count: Int) async throws {
        let log = log
        try await channel.eventLoop.submit { log.value.forget(count) }.get()
    }

    func setReading(_ isOn: Bool) async throws {
        try await channel.setOption(.autoRead, value: isOn).get()
        if isOn { channel.read() }
    }

    /// Ends the connection in good order (FIN).
    func close() async {
        try? await channel.close()
    }

    /// Leaves: ends the connection (FIN or a TCP reset) below TLS, without its farewell. Returns when it did.
    func leave(_ way: Leaving) async throws -> NIODeadline {
        let channel = channel
        let now = NIODeadline.now()
        try await channel.eventLoop.flatSubmit {
            if way == .reset, let socket = channel as? any SocketOptionProvider {
                _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            }
            let promise = channel.eventLoop.makePromise(of: Void.self)
            if let tls = try? channel.pipeline.syncOperations.context(handlerType: NIOSSLHandler.self) {
                tls.close(promise: promise)
            } else {
                channel.close(promise: promise)
            }
            return promise.futureResult
        }.get()
        return now
    }
}

/// How a client leaves.
enum Leaving: CaseIterable, Sendable {
    case fin, reset
}

/// The handler behind ``Peer``.
final class PeerLog: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private(set) var heard = Peer.Heard(bytes: ByteBuffer(), end: .open, endedAt: nil)
    /// The bytes that hold no beginning of the text that is waited for.
    private var scanned = 0
    private var waiting: (goal: Peer.Goal, promise: EventLoopPromise<Peer.Heard>)?

    func wait(for goal: Peer.Goal, _ promise: EventLoopPromise<Peer.Heard>) {
        waiting = (goal, promise)
        scanned = 0
        check()
    }

    func forget(_ count: Int) {
        heard.bytes.moveReaderIndex(forwardBy: min(count, heard.bytes.readableBytes))
        heard.bytes.discardReadBytes()
    }

    private func check() {
        guard let waiting, heard.end != .open || isReached(waiting.goal) else { return }
        self.waiting = nil
        waiting.promise.succeed(heard)
    }

    private func contains(_ text: String) -> Bool {
        let fresh = heard.bytes.readableBytesView.dropFirst(scanned)
        if fresh.firstRange(of: text.utf8) != nil { return true }
        scanned = max(0, heard.bytes.readableBytes - text.utf8.count)
        return false
    }

    private func isReached(_ goal: Peer.Goal) -> Bool {
        switch goal {
        case .text(let text): contains(text)
        case .ending(let text): heard.bytes.readableBytesView.suffix(text.utf8.count).elementsEqual(text.utf8)
        case .bytes(let count): heard.bytes.readableBytes >= count
        case .that(let holds): holds(heard)
        case .end: false
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var slice = unwrapInboundIn(data)
        heard.bytes.writeBuffer(&slice)
        check()
    }

    /// Only where the connection outlives the other side's end, see `Peer.connect`.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { ended(.closed) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? IOError, error.errnoCode == ECONNRESET { ended(.reset) }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended(.closed)
    }

    private func ended(_ end: Peer.End) {
        guard heard.end == .open else { return }
        heard.end = end
        heard.endedAt = .now()
        check()
    }
}
