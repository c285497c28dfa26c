import Foundation
import Logging
import MartletLogic
import MartletStore
import Synchronization
import Testing

@testable import MartletTasks

/// A file for a history, and what was logged of it.
struct HistoryFixture: Sendable {
    let file: URL
    private let log = LogLines()

    static var quick: HistoryPolicy {
        var policy = HistoryPolicy()
        (policy.round, policy.pruneRound) = (0.01, 0.05)
        (policy.firstPause, policy.lastPause) = (0.01, 0.02)
        return policy
    }

    static func run(_ body: (HistoryFixture) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-history-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(HistoryFixture(file: folder.appending(path: "history.sqlite")))
    }

    var lines: [String] { log.all }

    /// A history at work, until `body` has seen enough; then all is written and closed.
    func running(
        _ memory: FakeMemory, _ place: FakePlace? = nil, policy: HistoryPolicy = quick,
        _ body: (TaskHistory) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test") { _ in log }
        let file = self.file.path
        let history = TaskHistory(file: file, policy: policy, logger: logger) { () throws(HistoryError) in
            if let place { return OpenedHistory(place: place) }
            let opening = try await HistoryFile.open(file, latest: 1000)
            return OpenedHistory(
                place: opening.file, latest: opening.latest, last: opening.last, damage: opening.damage)
        }
        await history.open(for: memory)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await history.run(for: memory) }
            defer { group.cancelAll() }
            try await body(history)
        }
    }

    /// All pages of a list.
    func ids(
        _ history: TaskHistory, _ memory: FakeMemory, _ filter: TaskFilter = TaskFilter(), limit: Int
    ) async throws -> [String] {
        var ids: [String] = []
        var before: UInt64?
        for _ in 0..<100 {
            let page = try await history.page(filter, before: before, limit: limit, memory)
            #expect(page.tasks.count <= limit)
            ids += page.tasks.map(\.id)
            guard let next = page.next else { return ids }
            before = next
        }
        Issue.record("the pages do not end")
        return ids
    }

    func written(_ count: UInt64, _ history: TaskHistory) async throws {
        try await until { history.figures.written >= count }
    }

    func until(_ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while try await !condition() {
            try #require(ContinuousClock.now < end)
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}

/// The chronicle of a desk.
final class FakeMemory: HistoryMemory {
    private let chronicle: Mutex<TaskChronicle>
    /// What is very old is not kept.
    private let begun = Date().timeIntervalSince1970

    init(tasks: Int) {
        var limits = TaskChronicle.Limits()
        limits.tasks = tasks
        chronicle = Mutex(TaskChronicle(limits: limits, isKept: true))
    }

    func withChronicle<Result: Sendable>(_ body: (inout TaskChronicle) -> Result) -> Result {
        chronicle.withLock { body(&$0) }
    }

    /// - Parameter time: In seconds since the beginning of the test.
    func hear(_ id: String, _ state: String, _ time: Double, name: String? = nil) {
        var news = TaskNews(id: id, state: state, time: begun + time)
        news.name = name
        chronicle.withLock { $0.apply(news, now: begun + time) }
    }

    func task(_ id: String) -> TaskRecord? { chronicle.withLock { $0.task(id) } }
    var missed: UInt64 { chronicle.withLock { $0.missed } }
    var unsaved: Int { chronicle.withLock { $0.unsavedCount } }
    var count: Int { chronicle.withLock { $0.states.values.reduce(0, +) } }
}

/// A place that refuses or stands still when it is told to.
final class FakePlace: HistoryPlace {
    private struct State {
        var kept: [String] = []
        var refusals: [HistoryError] = []
        var isStopped = false
        var isWaiting = false
        var movedAside = 0
    }

    private let state = Mutex(State())

    var kept: [String] { state.withLock { $0.kept } }
    var isWaiting: Bool { state.withLock { $0.isWaiting } }
    var movedAside: Int { state.withLock { $0.movedAside } }
    var count: Int { 0 }

    func refuse(with error: HistoryError, times: Int) {
        state.withLock { $0.refusals = Array(repeating: error, count: times) }
    }

    func stop() { state.withLock { $0.isStopped = true } }
    func goOn() { state.withLock { $0.isStopped = false } }

    func keep(
        _ tasks: [HistoryTask], merging: @escaping @Sendable (HistoryTask, HistoryTask) -> HistoryTask
    ) async throws(HistoryError) -> [HistoryTask] {
        while state.withLock({ state in
            state.isWaiting = state.isStopped
            return state.isStopped
        }) {
            try? await Task.sleep(for: .milliseconds(1))
        }
        if let error = refusal() { throw error }
        state.withLock { $0.kept += tasks.map(\.id) }
        return []
    }

    func prune(before time: Double, keeping limit: Int, atMost step: Int) async throws(HistoryError) -> Int { 0 }

    func task(_ id: String) async throws -> HistoryTask? {
        if let error = refusal() { throw error }
        return nil
    }

    func search(_ query: HistoryQuery, within time: Duration) async throws -> HistoryPage { HistoryPage() }

    func close(movingAside: Bool) async { state.withLock { $0.movedAside += movingAside ? 1 : 0 } }

    private func refusal() -> HistoryError? {
        state.withLock { $0.refusals.isEmpty ? nil : $0.refusals.removeFirst() }
    }
}
