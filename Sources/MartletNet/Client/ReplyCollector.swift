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
    private var reader: ReplyReader
    /// Nil once it is kept.
    private var promise: EventLoopPromise<HTTPReply>?

    private init(_ call: Call, _ promise: EventLoopPromise<HTTPReply>) {
        self.call = call
        self.promise = promise
        reader = ReplyReader(to: call.method, maxBody: call.maxBody)
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
        guard promise != nil else { return }
        do throws(WireError) {
            if let reply = try reader.read(unwrapInboundIn(data)) { succeed(reply, context) }
        } catch {
            fail(error.code, "\(error.reason)", context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        do throws(WireError) {
            if promise != nil, let reply = try reader.end() { succeed(reply, context) }
        } catch {
            fail(error.code, "\(error.reason)", context)
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOSSLError.uncleanShutdown:
            fail(reader.hasHead ? .upstreamTruncated : .upstreamReset, "TLS ended without a farewell", context)
        case is NIOSSLError, is NIOSSLExtraError:
            fail(.connectFailed, "TLS: \(error)", context)
        case let error as IOError:
            fail(reader.hasHead ? .upstreamTruncated : .upstreamReset, systemMessage(error.errnoCode), context)
        default:
            fail(.upstreamReset, "\(error)", context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        fail(.upstreamReset, "the connection is gone", context)
    }

    private func succeed(_ reply: HTTPReply, _ context: ChannelHandlerContext) {
        promise?.succeed(reply)
        promise = nil
        context.close(promise: nil)
    }

    private func fail(_ code: ErrorCode, _ cause: String, _ context: ChannelHandlerContext) {
        guard let promise else { return }
        self.promise = nil
        promise.fail(MartletError(code, operation: call.operation, cause: cause))
        context.channel.reset()
    }
}
