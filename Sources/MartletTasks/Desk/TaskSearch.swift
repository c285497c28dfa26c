import MartletBase
import MartletLogic
import MartletNet
import Synchronization

/// Carries out what a ``SearchLine`` decides: those who look for tasks on queues share searches.
final class TaskSearch: Sendable {
    typealias Place = TaskDesk.Place

    private struct State {
        var line: SearchLine
        /// Of those who ask, by their numbers.
        var signals: [Int: Signal] = [:]
        var answers: [Int: Result<Place?, any Error>] = [:]
    }

    private enum Step {
        case turn(SearchLine.Turn)
        case answer(Result<Place?, any Error>)
    }

    private let state: Mutex<State>

    /// - Parameter limit: more do not ask at once.
    init(limit: Int) {
        state = Mutex(State(line: SearchLine(limit: limit)))
    }

    /// Where a task waits; nil: it was not found.
    ///
    /// - Parameters:
    ///   - queue: nil: any.
    ///   - search: looks for tasks, and answers for those that it found where they are.
    /// - Throws: what the search threw, which may be that of another one who asked, and `overloaded`.
    func place(
        of id: String, on queue: String?, _ search: (SearchLine.Search) async throws -> [String: Place]
    ) async throws -> Place? {
        let signal = Signal()
        let number = state.withLock { state in
            let number = state.line.enter(id, queue: queue)
            if let number { state.signals[number] = signal }
            return number
        }
        guard let number else { throw MartletError(.overloaded, cause: "too many look for tasks on queues") }
        defer { leave(number) }
        while true {
            try Task.checkCancellation()
            switch step(of: number) {
            case .answer(let answer): return try answer.get()
            case .turn(.search(let wanted)):
                do {
                    let found = try await search(wanted)
                    end { .success(found[$0]) }
                } catch {
                    // Who is called off leaves, and another one searches.
                    guard !Task.isCancelled else { throw error }
                    end { _ in .failure(error) }
                }
            case .turn(.wait(until: .never)): await signal.wait()
            case .turn(.wait(let time)): await signal.wait(atMost: time - Instant.current)
            }
        }
    }

    private func step(of number: Int) -> Step {
        state.withLock { state in
            state.answers[number].map { .answer($0) } ?? .turn(state.line.turn(of: number, now: Instant.current))
        }
    }

    private func end(_ answer: (String) -> Result<Place?, any Error>) {
        let told = state.withLock { state in
            let asked = state.line.ended(now: Instant.current)
            for (number, id) in asked { state.answers[number] = answer(id) }
            return (asked.map(\.number) + [state.line.next].compactMap { $0 }).compactMap { state.signals[$0] }
        }
        for signal in told { signal.notify() }
    }

    private func leave(_ number: Int) {
        let next = state.withLock { state in
            state.line.leave(number)
            state.signals[number] = nil
            state.answers[number] = nil
            return state.line.next.flatMap { state.signals[$0] }
        }
        next?.notify()
    }
}
