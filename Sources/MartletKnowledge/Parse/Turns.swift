import Synchronization

/// So many at a time: who comes later waits for a turn, in order.
final class Turns: Sendable {
    private struct State {
        var free: Int
        var next = 0
        var waiting: [(number: Int, continuation: CheckedContinuation<Bool, Never>)] = []
        /// Of those who gave up before they waited.
        var gone: Set<Int> = []
    }

    private let count: Int
    private let state: Mutex<State>

    init(_ count: Int) {
        self.count = max(1, count)
        state = Mutex(State(free: self.count))
    }

    /// How many have a turn now, and how many wait for one.
    var load: (taken: Int, waiting: Int) { state.withLock { (count - $0.free, $0.waiting.count) } }

    /// - Throws: `CancellationError`: nobody waits for it any more.
    func take<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await wait()
        defer { giveBack() }
        try Task.checkCancellation()
        return try await body()
    }

    private func wait() async throws {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        let isMine = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if state.gone.remove(number) != nil { return false }
                    if state.free > 0 {
                        state.free -= 1
                        return true
                    }
                    state.waiting.append((number, continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            giveUp(number)
        }
        // Whoever was called off after the turn came has left a word.
        state.withLock { _ = $0.gone.remove(number) }
        if !isMine { throw CancellationError() }
    }

    private func giveUp(_ number: Int) {
        let waiting = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard let index = state.waiting.firstIndex(where: { $0.number == number }) else {
                state.gone.insert(number)
                return nil
            }
            return state.waiting.remove(at: index).continuation
        }
        waiting?.resume(returning: false)
    }

    private func giveBack() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: true)
    }
}
