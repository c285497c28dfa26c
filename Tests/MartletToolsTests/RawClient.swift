import NIOCore
import NIOPosix

/// A client that knows nothing of HTTP: sends text, and collects what comes back and how the connection ended.
final class RawClient: Sendable {
    enum End: Equatable {
        case open, closed, reset
    }

    private let channel: any Channel
    private let log: NIOLoopBound<Log>

    private init(channel: any Channel, log: NIOLoopBound<Log>) {
        self.channel = channel
        self.log = log
    }

    static func connect(
        _ port: Int, on group: any EventLoopGroup, reads: Bool = true
    ) async throws -> RawClient {
        let loop = group.next()
        let log = try await loop.submit { NIOLoopBound(Log(), eventLoop: loop) }.get()
        let channel = try await ClientBootstrap(group: loop)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(log.value) }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawClient(channel: channel, log: log)
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    /// What has arrived once `enough` says so or the connection has ended. Fails after five seconds.
    func receive(until enough: @escaping @Sendable (String) -> Bool) async throws -> (text: String, end: End) {
        let loop = channel.eventLoop
        let log = log
        return try await loop.flatSubmit {
            let promise = loop.makePromise(of: (text: String, end: End).self)
            let timer = loop.scheduleTask(in: .seconds(5)) { promise.fail(TimedOut(seen: log.value.text)) }
            promise.futureResult.whenComplete { _ in timer.cancel() }
            log.value.wait(enough, promise)
            return promise.futureResult
        }.get()
    }

    /// What has arrived when the connection has ended.
    func receiveAll() async throws -> (text: String, end: End) {
        try await receive { _ in false }
    }

    func close() async {
        try? await channel.close()
    }

    struct TimedOut: Error {
        let seen: String
    }

    private final class Log: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        var text = ""
        private var end = End.open
        private var waiting: (enough: (String) -> Bool, promise: EventLoopPromise<(text: String, end: End)>)?

        func wait(_ enough: @escaping (String) -> Bool, _ promise: EventLoopPromise<(text: String, end: End)>) {
            waiting = (enough, promise)
            check()
        }

        private func check() {
            guard let waiting, end != .open || waiting.enough(text) else { return }
            self.waiting = nil
            waiting.promise.succeed((text, end))
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            text += String(buffer: unwrapInboundIn(data))
            check()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if let error = error as? IOError, error.errnoCode == 104 { end = .reset }
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            if end == .open { end = .closed }
            check()
        }
    }
}
