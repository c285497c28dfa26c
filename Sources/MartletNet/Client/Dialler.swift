import MartletBase
import NIOCore
import NIOPosix

/// Makes the connection of one call: the addresses one after the other, each with its share of the time left.
struct Dialler: Sendable {
    let loop: any EventLoop
    let connection: CallConnection
    let operation: String
    let deadline: NIODeadline

    /// Runs a call that ends, with its connection reset, when time is up or the task is cancelled.
    static func bounded<Answer: Sendable>(
        on loop: any EventLoop, by timeout: Duration, operation: String, _ call: (Dialler) async throws -> Answer
    ) async throws -> Answer {
        let connection = CallConnection()
        let deadline = NIODeadline.now() + .nanoseconds(timeout.wholeNanoseconds)
        let timer = loop.scheduleTask(deadline: deadline) {
            let code: ErrorCode = connection.isConnected ? .totalTimeout : .connectTimeout
            connection.giveUp(MartletError(code, operation: operation, cause: "not within \(timeout.text)"))
        }
        defer { timer.cancel() }
        do {
            return try await withTaskCancellationHandler {
                try await call(Dialler(loop: loop, connection: connection, operation: operation, deadline: deadline))
            } onCancel: {
                connection.giveUp(CancellationError())
            }
        } catch {
            throw connection.reason ?? error
        }
    }

    /// Connects to the first address that answers and hands its channel, on its loop, to `connected`.
    func dial<Answer: Sendable>(
        _ addresses: [SocketAddress], prepare: @escaping @Sendable (any Channel) throws -> Void,
        connected: @escaping @Sendable (any Channel) -> Answer
    ) async throws -> Answer {
        var failure = MartletError(.connectFailed, operation: operation, cause: "no address")
        for (index, address) in addresses.enumerated() {
            let share = (deadline - .now()).nanoseconds / Int64(addresses.count - index)
            do {
                // All on the loop: a callback added from here could come after what the peer has to say.
                return try await loop.flatSubmit {
                    ClientBootstrap(group: loop)
                        .connectTimeout(.nanoseconds(max(1, share)))
                        .channelInitializer { channel in
                            channel.eventLoop.makeCompletedFuture {
                                try connection.adopt(channel)
                                try SocketOptions.standard.apply(to: channel)
                                try prepare(channel)
                            }
                        }
                        .connect(to: address)
                        .map { channel in
                            connection.markConnected()
                            return connected(channel)
                        }
                }.get()
            } catch {
                if let reason = connection.reason { throw reason }
                failure = describe(error, address)
            }
        }
        throw failure
    }

    private func describe(_ error: any Error, _ address: SocketAddress) -> MartletError {
        switch error {
        case ChannelError.connectTimeout:
            MartletError(.connectTimeout, operation: operation, cause: "\(address.text) does not answer")
        case let error as IOError:
            MartletError(
                .connectFailed, operation: operation, cause: "\(address.text): \(systemMessage(error.errnoCode))")
        default:
            MartletError(.connectFailed, operation: operation, cause: "\(address.text): \(error)")
        }
    }
}

extension SocketAddress {
    /// As people write it: `10.0.0.1:80`, `[::1]:80`, or a path.
    package var text: String {
        switch self {
        case .v4: "\(ipAddress ?? ""):\(port ?? 0)"
        case .v6: "[\(ipAddress ?? "")]:\(port ?? 0)"
        case .unixDomainSocket: pathname ?? "unix"
        }
    }
}
