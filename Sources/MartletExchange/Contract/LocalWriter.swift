package import NIOCore
import Synchronization

/// Takes the pieces of a streamed answer from its handler's task to the loop of its request: all that gathered in one
/// call, and no faster than the client reads.
package final class LocalWriter: Sendable {
    fileprivate struct State {
        var pieces: [ByteBuffer] = []
        /// The loop was called for `pieces`.
        var isCalled = false
        /// Bytes written that the client has not taken yet.
        var ahead = 0
        var waiting: [CheckedContinuation<Void, any Error>] = []
        var isOver = false
    }

    /// Bytes that may be written ahead of the client.
    private static let bound = 64 << 10

    private let state = Mutex(State())
    private let call: @Sendable () -> Void

    /// - Parameter call: brings about a `take` on the loop, soon.
    package init(call: @escaping @Sendable () -> Void) {
        self.call = call
    }

    /// Sends one piece; returns when there is room for the next one.
    ///
    /// - Throws: `CancellationError` when nobody wants the answer any more.
    package func write(_ piece: ByteBuffer) async throws {
        let (mustCall, isFull) = try state.withLock { state in
            guard !state.isOver else { throw CancellationError() }
            state.pieces.append(piece)
            state.ahead += piece.readableBytes
            defer { state.isCalled = true }
            return (!state.isCalled, state.ahead >= Self.bound)
        }
        if mustCall { call() }
        if isFull { try await awaitRoom() }
    }

    private func awaitRoom() async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if state.isOver { return .failure(CancellationError()) }
                    if state.ahead < Self.bound { return .success(()) }
                    state.waiting.append(continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            end()
        }
    }

    // MARK: From the loop

    /// What was written since the last time.
    package func take() -> [ByteBuffer] {
        state.withLock { state in
            state.isCalled = false
            defer { state.pieces.removeAll(keepingCapacity: true) }
            return state.pieces
        }
    }

    /// The client took so many bytes.
    package func taken(_ bytes: Int) {
        let waiting = state.withLock { state in
            state.ahead -= bytes
            return state.ahead < Self.bound ? state.takeWaiting() : []
        }
        for one in waiting { one.resume() }
    }

    /// Nobody wants the answer any more.
    package func end() {
        let waiting = state.withLock { state in
            state.isOver = true
            return state.takeWaiting()
        }
        for one in waiting { one.resume(throwing: CancellationError()) }
    }
}

extension LocalWriter.State {
    fileprivate mutating func takeWaiting() -> [CheckedContinuation<Void, any Error>] {
        defer { waiting.removeAll() }
        return waiting
    }
}
