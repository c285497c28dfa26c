import MartletBase
import MartletWire
import NIOCore
import NIOSSL

/// The loop's side of a connection to a Redis server: writes what was put into the outbox, gives each reply to whoever
/// waits for it, and ends the connection when a reply is overdue.
final class RedisHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let outbox: RedisOutbox
    private let operation: String
    private let onPush: (@Sendable ([RESPValue]) -> Void)?
    private var context: ChannelHandlerContext?
    private var parser = RESPReplyParser()
    /// What came and is no reply yet.
    private var input = ByteBuffer()
    /// Whose replies come now, and those behind.
    private var current: AwaitedReplies?
    private var awaited = CircularBuffer<AwaitedReplies>()
    private var timer: (scheduled: Scheduled<Void>, at: NIODeadline)?
    private var hasEnded = false
    private var hasHeard = false

    init(_ outbox: RedisOutbox, operation: String, onPush: (@Sendable ([RESPValue]) -> Void)?) {
        self.outbox = outbox
        self.operation = operation
        self.onPush = onPush
    }

    // MARK: Sending

    /// Writes all that was put, once for a turn of the loop.
    func flush() {
        guard let context, !hasEnded else { return }
        let contents = outbox.take()
        guard !contents.awaited.isEmpty else { return }
        for awaited in contents.awaited where awaited.missing > 0 {
            if current == nil { current = awaited } else { self.awaited.append(awaited) }
            watch(awaited.deadline)
        }
        let bytes = contents.bytes.readableBytes
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenComplete { [outbox] _ in outbox.sent(bytes: bytes) }
        context.writeAndFlush(wrapOutboundOut(contents.bytes), promise: written)
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(MartletError(.upstreamReset, operation: operation, cause: "the connection is gone"))
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasEnded else { return }
        hasHeard = true
        var bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
        do throws(RESPProtocolError) {
            while !hasEnded, let value = try parser.next(&input) { take(value) }
        } catch {
            breakOff(MartletError(.upstreamMalformed, operation: operation, cause: error.message))
        }
        if input.readableBytes == 0 { input = ByteBuffer() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(MartletError(.upstreamReset, operation: operation, cause: "the server closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let failure =
            switch error {
            case is NIOSSLError, is NIOSSLExtraError:
                MartletError(hasHeard ? .upstreamReset : .connectFailed, operation: operation, cause: "TLS: \(error)")
            case let error as IOError:
                MartletError(.upstreamReset, operation: operation, cause: systemMessage(error.errnoCode))
            default: MartletError(.upstreamReset, operation: operation, cause: "\(error)")
            }
        breakOff(failure)
    }

    // MARK: Replies

    private func take(_ value: RESPValue) {
        if case .push(let message) = value {
            onPush?(message)
            return
        }
        // To RESP2 a message is an array like any other. Who listens sends nothing that is answered so.
        if let onPush, case .array(let message) = value, Self.isNews(message) { return onPush(message) }
        guard current != nil else {
            return breakOff(
                MartletError(.upstreamMalformed, operation: operation, cause: "a reply to nothing that was asked"))
        }
        current?.replies.append(value)
        current?.missing -= 1
        guard let whole = current, whole.missing == 0 else { return }
        current = awaited.popFirst()
        if current == nil { unwatch() }
        outbox.answered(whole.replies.count)
        whole.done(.success(whole.replies))
        // After a failover another server is behind the name; this one will never write again.
        guard whole.replies.contains(where: Self.isOfReplica) else { return }
        breakOff(MartletError(.upstreamReset, operation: operation, cause: "the server became a replica"))
    }

    private static func isOfReplica(_ reply: RESPValue) -> Bool {
        if case .error(let text) = reply { text.hasPrefix("READONLY ") } else { false }
    }

    private static let kindsOfNews: Set<String> = [
        "message", "pmessage", "subscribe", "psubscribe", "unsubscribe", "punsubscribe",
    ]

    private static func isNews(_ message: [RESPValue]) -> Bool {
        guard case .bulk(let kind)? = message.first, message.count >= 3 else { return false }
        return kindsOfNews.contains(String(buffer: kind))
    }

    // MARK: Time

    private func watch(_ deadline: NIODeadline) {
        guard let context else { return }
        if let timer, timer.at <= deadline { return }
        timer?.scheduled.cancel()
        let scheduled = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.look() }
        timer = (scheduled, deadline)
    }

    private func unwatch() {
        timer?.scheduled.cancel()
        timer = nil
    }

    /// Replies come in order: one that is overdue holds up all that are behind it.
    private func look() {
        timer = nil
        guard let current else { return }
        let earliest = awaited.reduce(current.deadline) { min($0, $1.deadline) }
        guard earliest <= .now() else { return watch(earliest) }
        breakOff(MartletError(.totalTimeout, operation: operation, cause: "the server did not reply in time"))
    }

    // MARK: The end

    /// Ends a connection that is of no use any more.
    func breakOff(_ error: any Error) {
        end(error) { context?.channel.reset() }
    }

    /// Tells all who wait why nothing comes any more.
    ///
    /// - Parameter close: before that, so that none of them takes the connection for one that is open.
    private func end(_ error: any Error, close: () -> Void = {}) {
        guard !hasEnded else { return }
        hasEnded = true
        unwatch()
        let (unsent, reason) = outbox.close(error)
        close()
        let waiting = [current].compactMap { $0 } + awaited + unsent
        current = nil
        awaited.removeAll()
        for one in waiting { one.done(.failure(reason)) }
    }
}
