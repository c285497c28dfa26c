/// What is to be done so that something runs: in this order, and before the result of what led to it is stored.
public struct CanvasSteps: Sendable, Hashable {
    public struct ChordSize: Sendable, Hashable {
        /// The id of the group whose parts are counted.
        public var group: String
        public var size: Int

        public init(group: String, size: Int) {
            self.group = group
            self.size = size
        }

        /// The key to be deleted first: a chord may run a second time.
        public var claimKey: String { TaskResult.groupKey(group, ".c") }
        /// The key to be set to ``size``, for as long as results are kept.
        public var sizeKey: String { TaskResult.groupKey(group, ".s") }
    }

    /// A group with groups in it, to be stored so that whoever joins it keeps its shape.
    public struct SavedGroup: Sendable, Hashable {
        public var key: String
        public var json: [UInt8]
    }

    public var chordSizes: [ChordSize] = []
    public var savedGroups: [SavedGroup] = []
    /// To be published. Without a queue: to be routed by name.
    public var tasks: [OutgoingTask] = []
    /// For the `children` of the result of whoever publishes it.
    public var children: [ResultTree] = []

    public init() {}

    public var isEmpty: Bool { tasks.isEmpty && children.isEmpty && chordSizes.isEmpty && savedGroups.isEmpty }

    mutating func append(_ other: CanvasSteps) {
        chordSizes += other.chordSizes
        savedGroups += other.savedGroups
        tasks += other.tasks
        children += other.children
    }
}

/// On whose behalf something is published.
public struct CanvasContext {
    /// The task that runs; nil: nobody's, a client publishes.
    public var taskID: String?
    /// The task that everything began with; nil: what is published begins it.
    public var rootID: String?
    /// Our id, which clients of ours reply to.
    public var replyTo: String
    /// Such as `gen123@host`.
    public var origin: String
    /// What follows inherits this priority (`task_inherit_parent_priority`); nil: it does not.
    public var priority: Int?
    /// In milliseconds since 1970.
    public var now: Int64
    /// A UUID, a new one each time.
    public var newID: () -> String

    public init(
        taskID: String?, rootID: String?, replyTo: String, origin: String, priority: Int? = nil, now: Int64,
        newID: @escaping () -> String
    ) {
        self.taskID = taskID
        self.rootID = rootID
        self.replyTo = replyTo
        self.origin = origin
        self.priority = priority
        self.now = now
        self.newID = newID
    }

    /// For what follows a task.
    public init(
        of message: TaskMessage, replyTo: String, origin: String, inheritsPriority: Bool = false, now: Int64,
        newID: @escaping () -> String
    ) {
        self.init(
            taskID: message.id, rootID: message.root, replyTo: replyTo, origin: origin,
            priority: inheritsPriority ? message.priority : nil, now: now, newID: newID)
    }

    var ids: CanvasIDs { CanvasIDs(replyTo: replyTo, root: rootID, new: newID) }

    /// What everything that is published here is told.
    var options: RawObject {
        var options = RawObject()
        options["parent_id"] = taskID.map { RawJSON($0) }
        options["root_id"] = rootID.map { RawJSON($0) }
        options["priority"] = priority.map { RawJSON(.integer(Int64($0))) }
        return options
    }
}
