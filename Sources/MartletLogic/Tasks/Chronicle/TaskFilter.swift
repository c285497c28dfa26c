/// Which tasks are meant. What is nil matters not.
public struct TaskFilter: Sendable, Equatable {
    public var state: String?
    /// A name, or a part of one.
    public var name: String?
    public var queue: String?
    public var worker: String?
    /// The beginning of an id, a name, an argument or a result, in whatever case.
    public var text: String?
    /// In seconds since 1970: their state is theirs since then, or later.
    public var from: Double?
    /// And since before then.
    public var until: Double?

    public init(state: String? = nil, name: String? = nil, queue: String? = nil, worker: String? = nil) {
        self.state = state
        self.name = name
        self.queue = queue
        self.worker = worker
    }

    public func matches(_ task: TaskRecord) -> Bool {
        if let state, task.state != state { return false }
        if let queue, task.queue != queue { return false }
        if let worker, task.worker != worker { return false }
        if let from, task.since < from { return false }
        if let until, task.since >= until { return false }
        if let name, !(task.name?.contains(name) ?? false) { return false }
        guard let text else { return true }
        let wanted = text.lowercased()
        return task.id.lowercased().hasPrefix(wanted)
            || [task.name, task.arguments, task.keywordArguments, task.result, task.exception].contains {
                $0?.lowercased().contains(wanted) ?? false
            }
    }
}
