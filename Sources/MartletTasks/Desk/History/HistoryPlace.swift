import MartletLogic
import MartletStore

/// Where tasks are kept: a file, or what a test puts in its place.
protocol HistoryPlace: AnyObject, Sendable {
    var count: Int { get }
    func keep(
        _ tasks: [HistoryTask],
        merging: @escaping @Sendable (_ older: HistoryTask, _ newer: HistoryTask) -> HistoryTask
    ) async throws(HistoryError) -> [HistoryTask]
    func prune(before time: Double, keeping limit: Int, atMost step: Int) async throws(HistoryError) -> Int
    func task(_ id: String) async throws -> HistoryTask?
    func search(_ query: HistoryQuery, within time: Duration) async throws -> HistoryPage
    func close(movingAside: Bool) async
}

extension HistoryFile: HistoryPlace {}

/// A place that was opened, and what was found there.
struct OpenedHistory: Sendable {
    var place: any HistoryPlace
    var latest: [HistoryTask] = []
    var last: UInt64 = 0
    var damage: String?
}

extension HistoryTask {
    init(_ task: TaskRecord) {
        self.init(number: task.number, id: task.id, state: task.state, since: task.since)
        (name, queue, worker, eta, expires) = (task.name, task.queue, task.worker, task.eta, task.expires)
        (arguments, keywordArguments, retries) = (task.arguments, task.keywordArguments, task.retries)
        (parent, root, runtime) = (task.parent, task.root, task.runtime)
        (result, exception, traceback) = (task.result, task.exception, task.traceback)
        timeline = task.timeline.map { Step(state: $0.state, time: $0.time, worker: $0.worker) }
    }

    /// One life of two that were told apart only because the first had been forgotten.
    static func merged(older: HistoryTask, newer: HistoryTask) -> HistoryTask {
        guard let former = TaskRecord(older), var task = TaskRecord(newer) else { return newer }
        task.complete(by: former)
        return HistoryTask(task)
    }
}

extension TaskRecord {
    /// The times that a clock may say; what shows them counts on it.
    private static let times = 0.0...1e11

    /// nil: nobody here wrote that.
    init?(_ task: HistoryTask) {
        guard Self.times.contains(task.since), task.runtime?.isFinite ?? true else { return nil }
        self.init(number: task.number, id: task.id, state: task.state, since: task.since)
        (name, queue, worker, eta, expires) = (task.name, task.queue, task.worker, task.eta, task.expires)
        (arguments, keywordArguments, retries) = (task.arguments, task.keywordArguments, task.retries)
        (parent, root, runtime) = (task.parent, task.root, task.runtime)
        (result, exception, traceback) = (task.result, task.exception, task.traceback)
        timeline = task.timeline.filter { Self.times.contains($0.time) }
            .map { Step(state: $0.state, time: $0.time, worker: $0.worker) }
    }
}

extension HistoryQuery {
    init(_ filter: TaskFilter, before: UInt64?, limit: Int) {
        self.init(limit: limit)
        (state, name, queue, worker) = (filter.state, filter.name, filter.queue, filter.worker)
        (text, from, until) = (filter.text, filter.from, filter.until)
        self.before = before
    }
}
