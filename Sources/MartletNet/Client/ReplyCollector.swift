import MartletBase
import MartletWire
import NIOCore
import NIOSSL

/// Sends one request and collects its reply; then closes the connection.
final class ReplyCollector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    struct Call: Sendable {
        var operation: String
        var method: Method
        var bytes: ByteBuffer
        var maxBody: Int
    }

    private let call: Call
    private var parser = ResponseParser(limits: HTTPLimits())
    private var input = ByteBuffer()
    private var reply: HTTPReply?
    /// Nil once it is kept.
    private var promise: EventLoopPromise<HTTPReply>?

    private init(_ call: Call, _ promise: EventLoopPromise<HTTPReply>) {
        self.call = call
        self.promise = promise
        parser.expect(method: call.method)
    }

    /// Starts the call on a connected channel, on its loop.
    static func start(_ call: Call, on channel: any Channel) -> EventLoopFuture<HTTPReply> {
        let promise = channel.eventLoop.makePromise(of: HTTPReply.self)
        do {
            try channel.pipeline.syncOperations.addHandler(ReplyCollector(call, promise))
        } catch {
            // Only a closed channel takes no handlers.
            promise.fail(MartletError(.upstreamReset, operation: call.operation, cause: "the connection is gone"))
        }
        return promise.futureResult
    }

    func handlerAdded(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(call.bytes), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        input.writeBuffer(&bytes)
        do throws(WireError) {
            while promise != nil, let part = try parser.next(&input) { take(part, context) }
            input.discardReadBytes()
        } catch {
            fail(error.code, "\(error.reason)", context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        do throws(WireError) {
            if let part = try parser.endOfInput() { take(part, context) }
        } catch {
            fail(error.code, "\(error.reason)", context)
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOSSLError.uncleanShutdown:
            fail(reply == nil ? .upstreamReset : .upstreamTruncated, "TLS ended without a farewell", context)
        case is NIOSSLError, is NIOSSLExtraError:
            fail(.connectFailed, "TLS: \(error)", context)
        case let error as IOError:
            fail(reply == nil ? .upstreamReset : .upstreamTruncated, systemMessage(error.errnoCode), context)
        default:
            fail(.upstreamReset, "\(error)", context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        fail(.upstreamReset, "the connection is gone", context)
    }

    private func take(_ part: ResponsePart, _ context: ChannelHandlerContext) {
        switch part {
        case .informational:
            break
        case .head(let head, _):
            reply = HTTPReply(status: head.status, headers: head.headers)
        case .body(let slice):
            guard slice.readableBytes <= call.maxBody - (reply?.body.count ?? 0) else {
                return fail(.upstreamMalformed, "the reply is longer than \(ByteCount.text(call.maxBody))", context)
            }
            reply?.body.append(contentsOf: slice.readableBytesView)
        case .end:
            guard let reply, let promise else { return }
            self.promise = nil
            promise.succeed(reply)
            context.close(promise: nil)
        }
    }

    private func fail(_ code: ErrorCode, _ cause: String, _ context: ChannelHandlerContext) {
        guard let promise else { return }
        self.promise = nil
        promise.fail(MartletError(code, operation: call.operation, cause: cause))
        context.channel.reset()
    }
}
