/// Something that happened to a task or a worker, as Celery tells it to monitors.
public struct TaskEvent: Sendable, Hashable {
    /// Such as `task-received`.
    public var type: String
    /// What it says beside what every event says.
    public var fields: RawObject

    public init(type: String, fields: RawObject) {
        self.type = type
        self.fields = fields
    }

    /// `task`, `worker`: events of one group travel together.
    public var group: Substring { type.prefix { $0 != "-" } }

    /// A producer published it. What is sent where workers are told to (`task_send_sent_event`).
    public static func sent(_ task: OutgoingTask, now: Int64, default queue: String = "celery") -> TaskEvent {
        let start = task.countdown.map { $0.addingReportingOverflow(now).partialValue } ?? task.eta
        let queue = task.queue ?? queue
        return TaskEvent(
            type: "task-sent",
            fields: RawObject([
                ("uuid", RawJSON(task.id)), ("root_id", RawJSON(task.rootID ?? task.id)),
                ("parent_id", text(task.parentID)), ("name", RawJSON(task.name)),
                ("args", RawJSON(task.argsText ?? PythonRepr.text(task.args, isTuple: true))),
                ("kwargs", RawJSON(task.kwargsText ?? PythonRepr.text(task.kwargs))),
                ("retries", integer(task.retries)),
                ("eta", text(start.map { CeleryTime.text(milliseconds: $0) })),
                ("expires", text(task.expires.map { CeleryTime.text(milliseconds: $0) })),
                ("queue", RawJSON(queue)), ("exchange", RawJSON(task.exchange)),
                ("routing_key", RawJSON(task.routingKey ?? queue)),
            ]))
    }

    /// A worker has it.
    ///
    /// - Parameter queue: Where it came from: a field of ours, for monitors that count by queue.
    public static func received(_ message: TaskMessage, queue: String? = nil) -> TaskEvent {
        var fields = RawObject([
            ("uuid", RawJSON(message.id)), ("name", RawJSON(message.title)), ("args", RawJSON(message.argsText)),
            ("kwargs", RawJSON(message.kwargsText)), ("root_id", text(message.rootID)),
            ("parent_id", text(message.parentID)), ("retries", integer(message.retries)),
            ("eta", text(message.etaText)), ("expires", text(message.expiresText)),
        ])
        fields["queue"] = queue.map { RawJSON($0) }
        return TaskEvent(type: "task-received", fields: fields)
    }

    /// It runs.
    public static func started(_ id: String) -> TaskEvent { of(id, "task-started", []) }

    /// - Parameters:
    ///   - result: As Python shows it.
    ///   - runtime: In seconds.
    public static func succeeded(_ id: String, result: String, runtime: Double) -> TaskEvent {
        of(id, "task-succeeded", [("result", RawJSON(result)), ("runtime", RawJSON(.number(runtime)))])
    }

    /// - Parameter exception: As Python shows it, such as `ValueError('bad z')`.
    public static func failed(_ id: String, exception: String, traceback: String?) -> TaskEvent {
        of(id, "task-failed", [("exception", RawJSON(exception)), ("traceback", text(traceback))])
    }

    /// It will be tried again.
    public static func retried(_ id: String, exception: String, traceback: String?) -> TaskEvent {
        of(id, "task-retried", [("exception", RawJSON(exception)), ("traceback", text(traceback))])
    }

    /// - Parameters:
    ///   - terminated: It ran, and was ended.
    ///   - signal: What its process was ended with.
    public static func revoked(_ id: String, terminated: Bool, signal: Int?, expired: Bool) -> TaskEvent {
        of(
            id, "task-revoked",
            [
                ("terminated", RawJSON(.bool(terminated))), ("signum", signal.map { integer($0) } ?? .null),
                ("expired", RawJSON(.bool(expired))),
            ])
    }

    public static func rejected(_ id: String, requeue: Bool) -> TaskEvent {
        of(id, "task-rejected", [("requeue", RawJSON(.bool(requeue)))])
    }

    public static func workerOnline(_ report: WorkerReport) -> TaskEvent {
        TaskEvent(type: "worker-online", fields: report.fields)
    }

    /// Every ``WorkerReport/frequency`` seconds; a worker that is silent for twice as long counts as gone.
    public static func workerHeartbeat(_ report: WorkerReport) -> TaskEvent {
        TaskEvent(type: "worker-heartbeat", fields: report.fields)
    }

    public static func workerOffline(_ report: WorkerReport) -> TaskEvent {
        TaskEvent(type: "worker-offline", fields: report.fields)
    }

    private static func of(_ id: String, _ type: String, _ fields: [(String, RawJSON)]) -> TaskEvent {
        TaskEvent(type: type, fields: RawObject([("uuid", RawJSON(id))] + fields))
    }

    private static func text(_ text: String?) -> RawJSON { text.map { RawJSON($0) } ?? .null }

    private static func integer(_ integer: Int) -> RawJSON { RawJSON(.integer(Int64(integer))) }
}

/// What a worker says of itself, now and then.
public struct WorkerReport: Sendable, Hashable {
    /// How many seconds are between two reports.
    public var frequency: Double
    /// How many tasks run.
    public var active: Int
    /// How many tasks it was given so far.
    public var processed: Int
    /// Of the machine, over 1, 5 and 15 minutes.
    public var loadAverage: [Double]
    /// Which software it is, such as `martlet`.
    public var software: String
    public var version: String
    /// Such as `Linux`.
    public var system: String

    public init(
        frequency: Double = 2, active: Int, processed: Int, loadAverage: [Double], software: String, version: String,
        system: String = "Linux"
    ) {
        self.frequency = frequency
        self.active = active
        self.processed = processed
        self.loadAverage = loadAverage
        self.software = software
        self.version = version
        self.system = system
    }

    var fields: RawObject {
        RawObject([
            ("freq", RawJSON(.number(frequency))), ("active", RawJSON(.integer(Int64(active)))),
            ("processed", RawJSON(.integer(Int64(processed)))),
            ("loadavg", RawJSON(.array(loadAverage.map { .number($0) }))), ("sw_ident", RawJSON(software)),
            ("sw_ver", RawJSON(version)), ("sw_sys", RawJSON(system)),
        ])
    }
}
