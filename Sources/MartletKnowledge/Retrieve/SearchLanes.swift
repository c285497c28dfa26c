import MartletLogic
import NIOPosix
import Synchronization

/// The threads that searches run on, and the questions that wait for them.
///
/// A lane takes all questions of a base that wait, up to a bound, and answers them from one pass: the more there are,
/// the less each of them costs. One that comes while nobody searches is not held up.
final class SearchLanes: Sendable {
    struct Bounds: Sendable {
        /// Threads.
        var lanes: Int
        /// Questions that share a pass.
        var sharing = 16
        /// Questions that wait; the next one is `overloaded`.
        var waiting = 4096
    }

    private struct Waiting {
        var number: Int
        var index: BaseIndex
        var question: RetrievalQuery
        /// Of its vector; nil: whatever the base's is.
        var model: EmbeddingModel?
        var answer: CheckedContinuation<[SearchHit], any Error>
    }

    private struct State {
        var next = 0
        /// In the order of their coming.
        var waiting: [Waiting] = []
        /// Those that were cancelled before they waited, or while they were answered.
        var cancelled: Set<Int> = []
        var idle: Int
    }

    private let bounds: Bounds
    private let fusion: Fusion
    private let meter: KnowledgeMeter
    private let threads: NIOThreadPool
    private let state: Mutex<State>

    init(_ bounds: Bounds, _ fusion: Fusion, _ meter: KnowledgeMeter) {
        self.bounds = bounds
        self.fusion = fusion
        self.meter = meter
        threads = NIOThreadPool(numberOfThreads: bounds.lanes)
        threads.start()
        state = Mutex(State(idle: bounds.lanes))
    }

    /// Nothing is to be asked any more; what waits is answered.
    func close() async throws { try await threads.shutdownGracefully() }

    func search(
        _ question: RetrievalQuery, model: EmbeddingModel?, in index: BaseIndex
    ) async throws -> [SearchHit] {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        // Who was answered first has not been cancelled.
        defer { _ = state.withLock { $0.cancelled.remove(number) } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { answer in
                enqueue(Waiting(number: number, index: index, question: question, model: model, answer: answer))
            }
        } onCancel: {
            cancel(number)
        }
    }

    private func enqueue(_ question: Waiting) {
        let (refusal, begins) = state.withLock { state -> ((any Error)?, Bool) in
            if state.cancelled.contains(question.number) { return (CancellationError(), false) }
            guard state.waiting.count < bounds.waiting else {
                return (KnowledgeError(.overloaded, "Too many searches at a time; try again later."), false)
            }
            state.waiting.append(question)
            guard state.idle > 0 else { return (nil, false) }
            state.idle -= 1
            return (nil, true)
        }
        if let refusal { question.answer.resume(throwing: refusal) }
        if begins { threads.submit { [self] _ in run() } }
    }

    private func cancel(_ number: Int) {
        let waiting = state.withLock { state -> Waiting? in
            guard let place = state.waiting.firstIndex(where: { $0.number == number }) else {
                // It has not begun to wait, or is being answered already.
                state.cancelled.insert(number)
                return nil
            }
            return state.waiting.remove(at: place)
        }
        waiting?.answer.resume(throwing: CancellationError())
    }

    private func run() {
        var searcher = Searcher(fusion, meter)
        while let batch = take() {
            guard let index = batch.first?.index else { continue }
            let snapshot = index.snapshot
            let fitting = batch.filter { waiting in
                do throws(KnowledgeError) {
                    try snapshot.check(waiting.question, model: waiting.model, base: index.name)
                    return true
                } catch {
                    waiting.answer.resume(throwing: error)
                    return false
                }
            }
            let answers = searcher.answer(fitting.map(\.question), in: snapshot)
            for (waiting, hits) in zip(fitting, answers) { waiting.answer.resume(returning: hits) }
        }
    }

    /// The questions to answer next, of one base; nil: there are none, and the lane ends.
    private func take() -> [Waiting]? {
        state.withLock { state in
            guard let first = state.waiting.first else {
                state.idle += 1
                return nil
            }
            var batch: [Waiting] = []
            state.waiting.removeAll { question in
                guard batch.count < bounds.sharing, question.index === first.index else { return false }
                batch.append(question)
                return true
            }
            return batch
        }
    }
}
