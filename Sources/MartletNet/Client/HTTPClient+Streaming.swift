import MartletBase
package import MartletWire
import NIOCore
import NIOSSL

extension HTTPClient {
    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Sends one request and hands its reply over while it comes; the body may be on its way still. The connection ends
    /// with `take`, and is reset when the task is cancelled.
    ///
    /// Throws what `take` and the body throw, and what `request` throws; `idle_timeout` in place of `total_timeout`.
    ///
    /// - Parameters:
    ///   - timeout: for name and connection.
    ///   - silence: without a byte in either direction for so long the call is given up.
    package func exchange<Answer: Sendable>(
        _ method: MartletWire.Method, _ url: HTTPURL, headers: [(name: String, value: String)] = [],
        body: StreamedBody? = nil, timeout: Duration = .seconds(10), silence: Duration, tls: TLSClient? = nil,
        _ take: (StreamedReply) async throws -> Answer
    ) async throws -> Answer {
        let operation = "\(method.text) \(url)"
        let head = try RequestText.head(method, url, headers: headers, length: body?.length)
        let (channel, connection) = try await connect(to: url, operation, timeout: timeout, silence: silence, tls)
        do {
            return try await withTaskCancellationHandler {
                try await channel.executeThenClose { replies, requests in
                    try await requests.write(head)
                    async let _ = Self.send(body, to: requests, connection)
                    return try await take(try await StreamedReply(to: method, replies))
                }
            } onCancel: {
                connection.giveUp(CancellationError())
            }
        } catch {
            throw connection.reason ?? Self.described(error, operation)
        }
    }

    private func connect(
        to url: HTTPURL, _ operation: String, timeout: Duration, silence: Duration, _ tls: TLSClient?
    ) async throws -> (Connection, CallConnection) {
        var security: TLSClient?
        if url.origin.scheme == .https { security = try tls ?? TLSClient.systemDefault.get() }
        let host = url.origin.host
        return try await Dialler.bounded(on: group.any(), by: timeout, operation: operation) { [security] dialler in
            let addresses = try await resolver.resolve(host: host, port: url.origin.port, timeout: timeout)
            let connection = dialler.connection
            let channel = try await dialler.dial(addresses) { channel in
                if let security { try channel.pipeline.syncOperations.addHandler(security.makeHandler(host: host)) }
                let most = TimeAmount.nanoseconds(silence.wholeNanoseconds)
                try channel.pipeline.syncOperations.addHandlers(
                    IdleStateHandler(allTimeout: most), SilenceEnd(connection, operation, silence))
            } connected: { channel in
                Result { try Connection(wrappingChannelSynchronously: channel) }
            }
            return (try channel.get(), connection)
        }
    }

    /// What the body throws ends the call; that nobody takes it is told by the reply.
    private static func send(
        _ body: StreamedBody?, to requests: NIOAsyncChannelOutboundWriter<ByteBuffer>, _ connection: CallConnection
    ) async {
        do {
            try await body?.write { piece in
                do {
                    try await requests.write(piece)
                } catch {
                    throw NotTaken()
                }
            }
        } catch is NotTaken, is CancellationError {
        } catch {
            connection.giveUp(error)
        }
    }

    private struct NotTaken: Error {}

    private static func described(_ error: any Error, _ operation: String) -> any Error {
        switch error {
        case let error as WireError: MartletError(error.code, operation: operation, cause: "\(error.reason)")
        case let error as IOError:
            MartletError(.upstreamReset, operation: operation, cause: systemMessage(error.errnoCode))
        case is NIOSSLError, is NIOSSLExtraError, is ChannelError:
            MartletError(.upstreamReset, operation: operation, cause: "\(error)")
        default: error
        }
    }
}

/// Gives a call up whose connection is silent.
private final class SilenceEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: CallConnection
    private let operation: String
    private let silence: Duration

    init(_ connection: CallConnection, _ operation: String, _ silence: Duration) {
        (self.connection, self.operation, self.silence) = (connection, operation, silence)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            connection.giveUp(MartletError(.idleTimeout, operation: operation, cause: "silent for \(silence.text)"))
        }
        context.fireUserInboundEventTriggered(event)
    }
}
