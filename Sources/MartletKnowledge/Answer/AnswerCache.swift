package import MartletBase
package import MartletLogic
import Synchronization

/// Answers that were given before: in memory, or shared by nodes. What it promises is the ``AnswerCacheMachine``'s.
package protocol AnswerCache: Sendable {
    /// Since this process began.
    var figures: AnswerCacheMachine.Figures { get }

    /// - Parameter epochs: Of all bases of the scope, as the caller sees them.
    func answer(to shape: QuestionShape, _ scope: AnswerScope, epochs: [String: Int]) async -> CachedAnswer?
    func answer(
        near shape: QuestionShape, _ vector: [Float], _ passages: [Passage], _ scope: AnswerScope, epochs: [String: Int]
    ) async -> CachedAnswer?
    /// - Parameter epochs: As they were before the search began.
    func keep(
        _ answer: CachedAnswer, for shape: QuestionShape, _ vector: [Float]?,
        _ scope: AnswerScope, epochs: [String: Int]
    ) async
    /// To be told of each change before whoever made it hears that it is done, and of those of one base in their order:
    /// when this returns, no answer is given that the change made old.
    ///
    /// - Parameter unchanged: Those of the questions whose search finds the same passages as before.
    func change(
        _ change: BaseChange, unchanged: @escaping @Sendable ([CachedQuestion]) async -> Set<Int>
    ) async
    func remove(base: String) async
}

/// The cache of one process.
package final class MemoryAnswerCache: AnswerCache {
    private struct State {
        var machine: AnswerCacheMachine
        /// The last of the changes, which go one after the other.
        var last: Task<Void, Never>?
    }

    private let state: Mutex<State>
    private let now: @Sendable () -> Instant

    package init(_ limits: AnswerCacheMachine.Limits = .init(), now: @escaping @Sendable () -> Instant) {
        state = Mutex(State(machine: AnswerCacheMachine(limits)))
        self.now = now
    }

    package var figures: AnswerCacheMachine.Figures { state.withLock { $0.machine.figures } }

    package func answer(to shape: QuestionShape, _ scope: AnswerScope, epochs: [String: Int]) async -> CachedAnswer? {
        let now = now()
        return state.withLock { $0.machine.answer(to: shape, scope, epochs: epochs, now: now) }
    }

    package func answer(
        near shape: QuestionShape, _ vector: [Float], _ passages: [Passage], _ scope: AnswerScope, epochs: [String: Int]
    ) async -> CachedAnswer? {
        let now = now()
        return state.withLock {
            $0.machine.answer(near: shape, vector, passages, scope, epochs: epochs, now: now)
        }
    }

    package func keep(
        _ answer: CachedAnswer, for shape: QuestionShape, _ vector: [Float]?,
        _ scope: AnswerScope, epochs: [String: Int]
    ) async {
        let now = now()
        state.withLock { _ = $0.machine.keep(answer, for: shape, vector, scope, epochs: epochs, now: now) }
    }

    package func change(
        _ change: BaseChange, unchanged: @escaping @Sendable ([CachedQuestion]) async -> Set<Int>
    ) async {
        // Nobody's leaving may leave it half done, so it is a task of its own.
        let task = state.withLock { state in
            state.machine.fence(change.base, epoch: change.epoch)
            let task = Task { [last = state.last] in
                await last?.value
                await self.carryOut(change, unchanged)
            }
            state.last = task
            return task
        }
        await task.value
    }

    private func carryOut(
        _ change: BaseChange, _ unchanged: @Sendable ([CachedQuestion]) async -> Set<Int>
    ) async {
        let open = state.withLock { $0.machine.begin(change) }
        guard !open.isEmpty else { return }
        let same = await unchanged(open)
        state.withLock { $0.machine.finish(change, unchanged: same) }
    }

    package func remove(base: String) async {
        state.withLock { $0.machine.remove(base: base) }
    }
}
