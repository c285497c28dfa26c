/// What is known of tasks and workers from what they tell: the latest tasks, as many as fit, and how each queue does.
///
/// A memory, not the truth: events get lost and restarts forget. Results and messages are in the broker.
public struct TaskChronicle: Sendable {
    /// The bounds.
    public struct Limits: Sendable, Equatable {
        /// Tasks that are remembered, the latest ones.
        public var tasks = 10_000
        public var workers = 1000
        public var queues = 1000

        public init() {}
    }

    /// A page of tasks, the latest first.
    public struct Page: Sendable, Equatable {
        public var tasks: [TaskRecord] = []
        /// Where the next page begins; nil: there is none.
        public var next: UInt64?
    }

    let limits: Limits
    /// Somebody takes what is new, to keep it for longer.
    let isKept: Bool
    var tasks: [String: TaskRecord] = [:]
    /// Ids in the order in which they became known; those before `forgotten` are no more.
    var order: [String] = []
    var forgotten = 0
    var number: UInt64 = 0
    /// The ids of those that changed since they were taken.
    var unsaved: Set<String> = []
    /// How many were forgotten before they were taken.
    public internal(set) var missed: UInt64 = 0
    private var workersByName: [String: WorkerRecord] = [:]
    private var tallies: [String: QueueTally] = [:]
    /// Grows with each change: who shows this knows whether to look again.
    public internal(set) var version: UInt64 = 0

    /// - Parameter isKept: ``takeUnsaved(_:)`` will be asked for what is new.
    public init(limits: Limits = Limits(), isKept: Bool = false) {
        self.limits = limits
        self.isKept = isKept
    }

    // MARK: What comes in

    public mutating func apply(_ news: TaskNews, now: Double) {
        version += 1
        let former = tasks[news.id]
        if former == nil { makeRoom() }
        var task = former ?? TaskRecord(number: nextNumber(news.id), news)
        if former != nil { task.apply(news) }
        tasks[news.id] = task
        if isKept { unsaved.insert(news.id) }
        note(news, of: task, former, now: now)
        if let worker = news.worker { hear(worker, of: news, now: now) }
    }

    public mutating func apply(_ news: WorkerNews, now: Double) {
        version += 1
        guard workersByName[news.name] != nil || workersByName.count < limits.workers || forgetAWorker(now: now) else {
            return
        }
        var worker = workersByName[news.name] ?? WorkerRecord(name: news.name, heard: now)
        worker.heard = now
        worker.isOnline = news.kind != .offline
        if let interval = news.interval, interval > 0, interval.isFinite { worker.interval = min(interval, 3600) }
        if let active = news.active { worker.active = active }
        if let processed = news.processed { worker.processed = processed }
        if !news.load.isEmpty { worker.load = Array(news.load.prefix(3)) }
        if let software = news.software { worker.software = software }
        if let processID = news.processID { worker.processID = processID }
        if news.kind != .heartbeat { worker.current = [] }
        workersByName[news.name] = worker
    }

    // MARK: What is asked

    public func task(_ id: String) -> TaskRecord? { tasks[id] }

    /// Every task that is remembered has this number or a higher one.
    public var oldest: UInt64 { order[forgotten...].first.flatMap { tasks[$0]?.number } ?? number + 1 }

    /// Those that `filter` means, the latest first.
    ///
    /// - Parameter before: The page's beginning, as the page before it says; nil: the latest.
    public func page(_ filter: TaskFilter, before: UInt64? = nil, limit: Int) -> Page {
        var page = Page()
        for id in order[forgotten...].reversed() {
            guard let task = tasks[id], before.map({ task.number < $0 }) ?? true, filter.matches(task) else { continue }
            guard page.tasks.count < limit else {
                page.next = page.tasks.last?.number
                break
            }
            page.tasks.append(task)
        }
        return page
    }

    /// In the order of their names.
    public var workers: [WorkerRecord] { workersByName.values.sorted { $0.name < $1.name } }

    /// How a queue did in the last minute.
    public func pace(of queue: String, now: Double) -> QueuePace { tallies[queue]?.pace(now: now) ?? QueuePace() }

    /// How many tasks of a queue workers said that they are at.
    public func running(on queue: String) -> Int {
        workersByName.values.reduce(0) { sum, worker in
            sum + worker.current.count { tasks[$0]?.queue == queue && tasks[$0]?.state == TaskState.started }
        }
    }

    /// Of those that events or this desk named.
    public var queueNames: [String] { tallies.keys.sorted() }

    /// How many of the tasks that are remembered are in each state.
    public var states: [String: Int] { tasks.values.reduce(into: [:]) { $0[$1.state, default: 0] += 1 } }

    // MARK: Inside

    private mutating func nextNumber(_ id: String) -> UInt64 {
        number += 1
        order.append(id)
        return number
    }

    private mutating func makeRoom() {
        while tasks.count >= limits.tasks, forgotten < order.count {
            let id = order[forgotten]
            tasks[id] = nil
            if unsaved.remove(id) != nil { missed += 1 }
            forgotten += 1
        }
        if forgotten > limits.tasks {
            order.removeFirst(forgotten)
            forgotten = 0
        }
    }

    /// The longest silent one that does not work any more goes. False: all of them work.
    private mutating func forgetAWorker(now: Double) -> Bool {
        let gone = workersByName.values.filter { !$0.isAlive(now: now) }.min { $0.heard < $1.heard }
        guard let gone else { return false }
        workersByName[gone.name] = nil
        return true
    }

    private mutating func hear(_ name: String, of news: TaskNews, now: Double) {
        guard var worker = workersByName[name] else { return }
        worker.current.removeAll { $0 == news.id }
        if news.state == TaskState.started, worker.current.count < 100 { worker.current.append(news.id) }
        workersByName[name] = worker
    }

    private mutating func note(_ news: TaskNews, of task: TaskRecord, _ former: TaskRecord?, now: Double) {
        guard let queue = task.queue, tallies[queue] != nil || tallies.count < limits.queues else { return }
        var tally = tallies[queue] ?? QueueTally()
        if news.state == TaskState.started, former?.state != TaskState.started {
            let begun = task.first(TaskState.pending) ?? task.first(TaskState.received)
            if let begun { tally.waited(max(0, news.time - begun), now: now) }
        }
        let isNew = former.map { !TaskState.isFinal($0.state) || $0.since != task.since } ?? true
        if TaskState.isFinal(news.state), isNew {
            tally.finished(seconds: news.runtime, hasFailed: news.state == TaskState.failure, now: now)
        }
        tallies[queue] = tally
    }
}
