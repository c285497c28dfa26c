import MartletWire
import NIOCore
import NIOPosix

/// A client of the broker: says commands, reads answers and what is pushed, in order.
final class TestClient: Sendable {
    private let channel: any Channel
    private let reader: NIOLoopBound<Reader>

    private init(channel: any Channel, reader: NIOLoopBound<Reader>) {
        self.channel = channel
        self.reader = reader
    }

    static func connect(to address: SocketAddress) async throws -> TestClient {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let reader = try await loop.submit { NIOLoopBound(Reader(), eventLoop: loop) }.get()
        let channel = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(reader.value) }
            }
            .connect(to: address).get()
        return TestClient(channel: channel, reader: reader)
    }

    /// The answer to a command, words apart by blanks.
    @discardableResult
    func call(_ words: String) async throws -> RESPValue {
        try await send(words)
        return try await next()
    }

    func send(_ words: String) async throws {
        var bytes = ByteBuffer()
        RESPWriter.command(words.split(separator: " ").map(String.init), into: &bytes)
        try await channel.writeAndFlush(bytes).get()
    }

    func send(raw bytes: ByteBuffer) async throws {
        try await channel.writeAndFlush(bytes).get()
    }

    /// What comes next. Fails when the connection ends, and after ten seconds.
    func next() async throws -> RESPValue {
        let (loop, reader) = (channel.eventLoop, reader)
        return try await loop.flatSubmit {
            let promise = loop.makePromise(of: RESPValue.self)
            let timer = loop.scheduleTask(in: .seconds(10)) { promise.fail(ChannelError.connectTimeout(.seconds(10))) }
            promise.futureResult.whenComplete { _ in timer.cancel() }
            reader.value.wait(promise)
            return promise.futureResult
        }.get()
    }

    func stopReading() async throws { try await channel.setOption(.autoRead, value: false).get() }

    /// Returns when the broker has closed the connection.
    func closed() async throws { try await channel.closeFuture.get() }

    func close() async { try? await channel.close() }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private var parser = RESPReplyParser()
        private var input = ByteBuffer()
        private var values: [RESPValue] = []
        private var waiting: [EventLoopPromise<RESPValue>] = []
        private var hasEnded = false

        func wait(_ promise: EventLoopPromise<RESPValue>) {
            waiting.append(promise)
            serve()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            input.writeBuffer(&bytes)
            while let value = try? parser.next(&input) { values.append(value) }
            serve()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func channelInactive(context: ChannelHandlerContext) {
            hasEnded = true
            serve()
        }

        private func serve() {
            while !values.isEmpty, !waiting.isEmpty { waiting.removeFirst().succeed(values.removeFirst()) }
            guard hasEnded else { return }
            for promise in waiting { promise.fail(ChannelError.eof) }
            waiting = []
        }
    }
}

extension RESPValue {
    static func texts(_ words: String...) -> RESPValue { .array(words.map { .bulk($0) }) }

    var errorText: String? {
        if case .error(let text) = self { text } else { nil }
    }
}
