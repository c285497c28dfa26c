package import NIOCore
import Synchronization

/// A request's body on its way from the loop of its request to the handler's task: no faster than the handler reads.
///
/// For one reader at a time.
package final class LocalBody: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer

    fileprivate struct State {
        var pieces = CircularBuffer<ByteBuffer>()
        /// Bytes of `pieces`.
        var held = 0
        /// Bytes that were read since the loop was told.
        var read = 0
        /// The loop was called for `read`.
        var isCalled = false
        var end: Result<Void, any Error>?
        var reader: CheckedContinuation<ByteBuffer?, any Error>?
    }

    /// Bytes that may wait for the handler.
    fileprivate static let bound = 128 << 10

    private let state = Mutex(State())
    private let call: @Sendable () -> Void

    /// - Parameter call: brings about a `takeRead` on the loop, soon.
    package init(call: @escaping @Sendable () -> Void) {
        self.call = call
    }

    /// One that is there already.
    package convenience init(_ whole: ByteBuffer) {
        self.init {}
        _ = push(whole)
        finish()
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let body: LocalBody

        /// - Throws: `CancellationError` when the client left.
        package mutating func next() async throws -> ByteBuffer? { try await body.next() }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }

    private func next() async throws -> ByteBuffer? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (result, mustCall) = state.withLock { $0.next(continuation) }
                if mustCall { call() }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            fail(CancellationError())
        }
    }

    // MARK: From the loop

    package var hasRoom: Bool { state.withLock { $0.end != nil || $0.held < Self.bound } }

    /// Answers whether the piece waits for the handler: `takeRead` counts it once it was read.
    package func push(_ piece: ByteBuffer) -> Bool {
        guard piece.readableBytes > 0 else { return false }
        let (reader, isHeld): (CheckedContinuation<ByteBuffer?, any Error>?, Bool) = state.withLock { state in
            guard state.end == nil else { return (nil, false) }
            if let reader = state.reader {
                state.reader = nil
                return (reader, false)
            }
            state.pieces.append(piece)
            state.held += piece.readableBytes
            return (nil, true)
        }
        reader?.resume(returning: piece)
        return isHeld
    }

    /// The body is whole.
    package func finish() { end(.success(())) }

    /// Nothing more comes, and what is there is of no use.
    package func fail(_ error: any Error) { end(.failure(error)) }

    /// Bytes that waited and were read since the last time.
    package func takeRead() -> Int {
        state.withLock { state in
            defer { (state.read, state.isCalled) = (0, false) }
            return state.read
        }
    }

    private func end(_ end: Result<Void, any Error>) {
        let reader = state.withLock { state in
            if state.end == nil { state.end = end }
            if case .failure = end {
                state.end = end
                state.pieces.removeAll()
                state.held = 0
            }
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(with: end.map { nil })
    }
}

extension LocalBody.State {
    /// What a reader is told at once; nil: it waits. The loop is called when it may send more.
    fileprivate mutating func next(
        _ reader: CheckedContinuation<ByteBuffer?, any Error>
    ) -> (Result<ByteBuffer?, any Error>?, mustCall: Bool) {
        if case .failure(let error)? = end { return (.failure(error), false) }
        if let piece = pieces.popFirst() {
            held -= piece.readableBytes
            read += piece.readableBytes
            let mustCall = !isCalled && (pieces.isEmpty || read >= LocalBody.bound / 2)
            if mustCall { isCalled = true }
            return (.success(piece), mustCall)
        }
        if end != nil { return (.success(nil), false) }
        self.reader = reader
        return (nil, false)
    }
}
