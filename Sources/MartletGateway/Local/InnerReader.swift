package import MartletWire
package import NIOCore
import Synchronization

/// The answer to a request of this process to itself. Its body comes piece by piece, no faster than it is read.
package struct InnerAnswer: Sendable {
    package let status: Int
    package let headers: HeaderBlock
    package let body: InnerBody
}

/// What has come of the body since the last time, until its end; throws where the answer broke off.
package struct InnerBody: AsyncSequence, Sendable {
    fileprivate let reader: InnerReader

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let reader: InnerReader

        package mutating func next() async throws -> ByteBuffer? { try await reader.next() }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: reader) }
}

/// Between the loop on which an answer comes and the task that reads it.
final class InnerReader: Sendable {
    private struct State {
        var head: (status: Int, headers: HeaderBlock)?
        var gathered = ByteBuffer()
        var end: Result<Void, any Error>?
        /// Something came since the task last looked.
        var isChanged = false
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    /// Told how many bytes were read.
    private let read: @Sendable (Int) -> Void

    init(read: @escaping @Sendable (Int) -> Void) {
        self.read = read
    }

    // MARK: From the loop

    func begin(status: Int, headers: HeaderBlock) {
        change { $0.head = (status, headers) }
    }

    /// Answers how many bytes wait to be read.
    func add(_ piece: ByteBuffer) -> Int {
        change { state in
            state.gathered.writeImmutableBuffer(piece)
            return state.gathered.readableBytes
        }
    }

    /// Only the first end counts.
    func end(_ result: Result<Void, any Error>) {
        change { $0.end = $0.end ?? result }
    }

    private func change<Value: Sendable>(_ body: (inout State) -> Value) -> Value {
        let (value, waiting) = state.withLock { state in
            let value = body(&state)
            defer { state.waiting = nil }
            state.isChanged = state.waiting == nil
            return (value, state.waiting)
        }
        waiting?.resume()
        return value
    }

    // MARK: From the task

    func answer() async throws -> InnerAnswer {
        let head = try await found { state in
            if let head = state.head { return .success(head) }
            guard case .failure(let error)? = state.end else { return nil }
            return .failure(error)
        }
        return InnerAnswer(status: head.status, headers: head.headers, body: InnerBody(reader: self))
    }

    func next() async throws -> ByteBuffer? {
        let piece: ByteBuffer? = try await found { state in
            guard state.gathered.readableBytes > 0 else { return state.end.map { end in end.map { nil } } }
            defer { state.gathered = ByteBuffer() }
            return .success(state.gathered)
        }
        if let piece { read(piece.readableBytes) }
        return piece
    }

    private func found<Value: Sendable>(
        _ look: (inout State) -> Result<Value, any Error>?
    ) async throws -> Value {
        while true {
            if let found = state.withLock({ look(&$0) }) { return try found.get() }
            await withCheckedContinuation { continuation in
                let isChanged = state.withLock { state in
                    defer { state.isChanged = false }
                    if !state.isChanged { state.waiting = continuation }
                    return state.isChanged
                }
                if isChanged { continuation.resume() }
            }
        }
    }
}
