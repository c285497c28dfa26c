/// A task as it is remembered.
public struct TaskRecord: Sendable, Equatable {
    /// A step of its life.
    public struct Step: Sendable, Equatable {
        public var state: String
        /// In seconds since 1970.
        public var time: Double
        public var worker: String?

        public init(state: String, time: Double, worker: String? = nil) {
            self.state = state
            self.time = time
            self.worker = worker
        }
    }

    /// Longer texts are cut.
    static let textBytes = 2 << 10
    static let tracebackBytes = 16 << 10
    /// The first and the last steps are kept of a life that has more.
    static let steps = 32

    /// Its place in the order in which tasks became known.
    public internal(set) var number: UInt64
    public let id: String
    public internal(set) var state: String
    /// Since when, in seconds since 1970.
    public internal(set) var since: Double
    public var name: String?
    public var queue: String?
    public var worker: String?
    public var arguments: String?
    public var keywordArguments: String?
    public var eta: String?
    public var expires: String?
    public var retries = 0
    public var parent: String?
    public var root: String?
    public var result: String?
    public var exception: String?
    public var traceback: String?
    public var runtime: Double?
    public var timeline: [Step] = []

    init(number: UInt64, _ news: TaskNews) {
        self.number = number
        id = news.id
        state = news.state
        since = news.time
        add(news)
    }

    /// One that was remembered elsewhere: the rest is filled in.
    public init(number: UInt64, id: String, state: String, since: Double) {
        self.number = number
        self.id = id
        self.state = state
        self.since = since
    }

    /// When it was first in that state.
    func first(_ state: String) -> Double? { timeline.first { $0.state == state }?.time }

    mutating func apply(_ news: TaskNews) {
        add(news)
        // Clocks differ and events overtake each other: what is over stays over, unless it begins anew later.
        let isOver = TaskState.isFinal(state) && !TaskState.isFinal(news.state)
        guard isOver ? news.time > since : news.time >= since || TaskState.isFinal(news.state) else { return }
        state = news.state
        since = news.time
        if let worker = news.worker { self.worker = worker }
        guard !TaskState.isFinal(state), state != TaskState.retry else { return }
        (result, exception, traceback, runtime) = (nil, nil, nil, nil)
    }

    /// Adds what was known of the same task before it was forgotten here.
    public mutating func complete(by older: TaskRecord) {
        func fill(_ field: WritableKeyPath<TaskRecord, String?>, _ record: inout TaskRecord) {
            if record[keyPath: field] == nil { record[keyPath: field] = older[keyPath: field] }
        }
        for field in Self.lasting { fill(field, &self) }
        retries = max(retries, older.retries)
        for step in older.timeline { add(step) }
        // As with news: what is over stays over, unless it began anew later.
        let isOver = TaskState.isFinal(older.state) && !TaskState.isFinal(state)
        if isOver ? since <= older.since : older.since > since && !TaskState.isFinal(state) {
            (state, since) = (older.state, older.since)
            (result, exception, traceback) = (older.result, older.exception, older.traceback)
            runtime = older.runtime
        } else if state == older.state, since == older.since {
            for field in [\.result, \.exception, \.traceback] as [WritableKeyPath<TaskRecord, String?>] {
                fill(field, &self)
            }
            runtime = runtime ?? older.runtime
        }
    }

    /// What is true of a task whatever its state.
    private static var lasting: [WritableKeyPath<TaskRecord, String?>] {
        [\.name, \.queue, \.worker, \.arguments, \.keywordArguments, \.eta, \.expires, \.parent, \.root]
    }

    private mutating func add(_ news: TaskNews) {
        if let name = news.name { self.name = Self.cut(name, 256) }
        if let queue = news.queue { self.queue = Self.cut(queue, 256) }
        if worker == nil { worker = news.worker }
        if let text = news.arguments { arguments = Self.cut(text, Self.textBytes) }
        if let text = news.keywordArguments { keywordArguments = Self.cut(text, Self.textBytes) }
        if let text = news.eta { eta = Self.cut(text, 64) }
        if let text = news.expires { expires = Self.cut(text, 64) }
        if let number = news.retries { retries = number }
        if let text = news.parent { parent = Self.cut(text, 256) }
        if let text = news.root { root = Self.cut(text, 256) }
        if let text = news.result { result = Self.cut(text, Self.textBytes) }
        if let text = news.exception { exception = Self.cut(text, Self.textBytes) }
        if let text = news.traceback { traceback = Self.cut(text, Self.tracebackBytes) }
        if let seconds = news.runtime { runtime = seconds }
        let step = Step(state: news.state, time: news.time, worker: news.worker)
        add(step)
    }

    private mutating func add(_ step: Step) {
        guard !timeline.contains(step) else { return }
        if timeline.count == Self.steps { timeline.remove(at: Self.steps / 2) }
        let place = timeline.lastIndex { $0.time <= step.time }.map { $0 + 1 } ?? 0
        timeline.insert(step, at: place)
    }

    /// Its first bytes, whole characters, with a mark that there was more.
    static func cut(_ text: String, _ bytes: Int) -> String {
        guard text.utf8.count > bytes else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: bytes)
        while end > text.startIndex, String.Index(end, within: text) == nil { end = text.utf8.index(before: end) }
        return text[..<end] + "…"
    }
}

/// A worker as it is remembered.
public struct WorkerRecord: Sendable, Equatable {
    public let name: String
    public internal(set) var isOnline = true
    /// When it was last heard of, in seconds since 1970, by the clock here.
    public internal(set) var heard: Double
    public internal(set) var interval = 2.0
    public internal(set) var active = 0
    public internal(set) var processed = 0
    public internal(set) var load: [Double] = []
    public internal(set) var software: String?
    public internal(set) var processID: Int?
    /// The ids of the tasks that it works on.
    public internal(set) var current: [String] = []

    /// Whether it says that it works, and was heard lately: Celery's own rule, twice its interval, with a second of
    /// grace for the way.
    public func isAlive(now: Double) -> Bool { isOnline && now < heard + 2 * interval + 1 }
}
