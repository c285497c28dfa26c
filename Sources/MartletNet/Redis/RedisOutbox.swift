import MartletBase
import MartletWire
import NIOCore
import Synchronization

/// Who waits for the replies to commands that were sent together.
struct AwaitedReplies: Sendable {
    var missing: Int
    var deadline: NIODeadline
    var replies: [RESPValue] = []
    /// Called once, on the connection's loop or, when nothing was sent, at once.
    var done: @Sendable (Result<[RESPValue], any Error>) -> Void
}

/// What callers said, on whatever thread, and the loop did not send yet: all of it leaves in one write.
final class RedisOutbox: Sendable {
    /// How much may be outstanding; beyond it commands are refused, so that an outage costs no memory without end.
    struct Limits: Sendable {
        var replies = 1 << 17
        var unsentBytes = 256 << 20
    }

    struct Contents {
        var bytes = ByteBuffer()
        var awaited: [AwaitedReplies] = []
    }

    private struct State {
        var contents = Contents()
        var outstandingReplies = 0
        var unsentBytes = 0
        var isScheduled = false
        /// Why nothing is taken any more.
        var end: (any Error)?
    }

    enum Admission {
        /// The loop has to be told.
        case first
        case joined
        case refused(any Error)
    }

    private let limits: Limits
    private let operation: String
    private let state = Mutex(State())

    init(operation: String, limits: Limits = Limits()) {
        self.operation = operation
        self.limits = limits
    }

    /// Takes commands to be sent. Refused ones have changed nothing, and nobody is told by `done`.
    func put(_ pipeline: RedisPipeline, _ awaited: AwaitedReplies) -> Admission {
        state.withLock { state in
            if let end = state.end { return .refused(end) }
            guard state.outstandingReplies < limits.replies, state.unsentBytes < limits.unsentBytes else {
                return .refused(
                    MartletError(.overloaded, operation: operation, cause: "too many commands wait for their replies"))
            }
            state.outstandingReplies += awaited.missing
            state.unsentBytes += pipeline.bytes.readableBytes
            if state.contents.bytes.readableBytes == 0 {
                state.contents.bytes = pipeline.bytes
            } else {
                state.contents.bytes.writeImmutableBuffer(pipeline.bytes)
            }
            state.contents.awaited.append(awaited)
            defer { state.isScheduled = true }
            return state.isScheduled ? .joined : .first
        }
    }

    /// All that was put, to be sent now.
    func take() -> Contents {
        state.withLock { state in
            defer { state.contents = Contents() }
            state.isScheduled = false
            return state.contents
        }
    }

    func sent(bytes: Int) { state.withLock { $0.unsentBytes -= bytes } }

    func answered(_ replies: Int) { state.withLock { $0.outstandingReplies -= replies } }

    /// Takes nothing any more. What was put and not taken; the reason counts that was given first.
    func close(_ error: any Error) -> (awaited: [AwaitedReplies], reason: any Error) {
        state.withLock { state in
            defer { state.contents = Contents() }
            let reason = state.end ?? error
            state.end = reason
            return (state.contents.awaited, reason)
        }
    }
}
