import MartletBase
import MartletLogic
import NIOCore
import Synchronization
import Testing

@testable import MartletTasks

/// Those who look for tasks share searches.
@Suite(.timeLimit(.minutes(1))) struct TaskSearchTests {
    private func place(of id: String) throws -> TaskDesk.Place {
        TaskDesk.Place(queue: "q", key: "q", ahead: 0, task: try #require(WaitingTask(message(id))))
    }

    /// How many run, and ran, at one time.
    private final class Running: Sendable {
        private let numbers = Mutex((now: 0, most: 0))

        var most: Int { numbers.withLock { $0.most } }

        func begin() { numbers.withLock { ($0.now, $0.most) = ($0.now + 1, max($0.most, $0.now + 1)) } }
        func end() { numbers.withLock { $0.now -= 1 } }
    }

    @Test func searchesComeOneAfterTheOtherAndEveryoneIsAnswered() async throws {
        let search = TaskSearch(limit: 100)
        let known = try place(of: "known")
        let running = Running()
        let found = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<40 {
                let id = number.isMultiple(of: 2) ? "known" : "unknown-\(number)"
                group.addTask {
                    try await search.place(of: id, on: number < 20 ? nil : "q") { wanted in
                        running.begin()
                        await Task.yield()
                        running.end()
                        return wanted.ids.contains("known") ? ["known": known] : [:]
                    } != nil
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(found == 20)
        #expect(running.most == 1)
    }

    @Test func whenTheSearcherIsCalledOffAnotherOneSearches() async throws {
        let (search, begun) = (TaskSearch(limit: 100), Signal())
        let known = try place(of: "known")
        let first = Task {
            _ = try? await search.place(of: "known", on: nil) { _ in
                begun.notify()
                try await Task.sleep(for: .seconds(600))
                return [:]
            }
        }
        await begun.wait()
        async let second = search.place(of: "known", on: nil) { _ in ["known": known] }
        first.cancel()
        #expect(try await second != nil)
    }

    @Test func whatASearchThrowsIsToldToAllWhomItWasFor() async throws {
        let search = TaskSearch(limit: 100)
        await #expect(throws: MartletError.self) {
            _ = try await search.place(of: "known", on: nil) { _ in throw MartletError(.noTarget) }
        }
        let found = try await search.place(of: "known", on: nil) { _ in [:] }
        #expect(found == nil, "the next one searches anew")
    }

    @Test func noMoreAskThanMay() async throws {
        await #expect(throws: MartletError.self) {
            _ = try await TaskSearch(limit: 0).place(of: "known", on: nil) { _ in [:] }
        }
    }
}
