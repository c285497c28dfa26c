/// An exception as it is stored, and as Celery's clients raise it again.
public struct TaskFailure: Error, Sendable, Hashable {
    /// Such as `ValueError`.
    public var type: String
    /// Such as `builtins`.
    public var module: String
    /// What it was made with, such as `["bad z"]`.
    public var arguments: [RawJSON]
    public var traceback: String?

    public init(
        type: String, module: String = "builtins", arguments: [RawJSON] = [], traceback: String? = nil
    ) {
        self.type = type
        self.module = module
        self.arguments = arguments
        self.traceback = traceback
    }

    /// - Parameter text: What it says, its one argument.
    public init(_ type: String, module: String = "builtins", _ text: String, traceback: String? = nil) {
        self.init(type: type, module: module, arguments: [RawJSON(text)], traceback: traceback)
    }

    /// Reads `{"exc_type": …, "exc_message": …, "exc_module": …}`; nil: it is something else.
    public init?(_ json: RawJSON) {
        guard let object = RawObject(json), let type = object["exc_type"]?.string else { return nil }
        let message = object["exc_message"] ?? RawJSON("")
        self.init(
            type: type, module: object["exc_module"]?.string ?? "builtins", arguments: message.elements ?? [message])
    }

    /// As it is stored: `{"exc_type": …, "exc_message": […], "exc_module": …}`.
    public var json: RawJSON {
        var writer = PythonJSON()
        writer.put("{\"exc_type\": ")
        writer.write(type)
        writer.put(", \"exc_message\": ")
        writer.write(list: arguments) { $0.write($1) }
        writer.put(", \"exc_module\": ")
        writer.write(module)
        writer.put("}")
        return RawJSON(unchecked: writer.bytes[...])
    }

    /// As Python shows it: `ValueError('bad z')`.
    public var repr: String {
        let name = type.split(separator: ".").last.map(String.init) ?? type
        let arguments = arguments.map { $0.string.map(PythonRepr.quoted) ?? PythonRepr.text($0) }
        return "\(name)(\(arguments.joined(separator: ", ")))"
    }

    /// What it says, for people: its arguments.
    public var text: String {
        arguments.map { $0.string ?? PythonRepr.text($0) }.joined(separator: ", ")
    }
}

extension TaskFailure {
    private static let celery = "celery.exceptions"
    private static let billiard = "billiard.exceptions"

    /// No worker here knows a task of this name.
    public static func notRegistered(_ name: String) -> TaskFailure {
        TaskFailure("NotRegistered", module: celery, name)
    }

    /// It was taken back: `revoked`, `expired` or `terminated`.
    public static func revoked(_ reason: String) -> TaskFailure {
        TaskFailure("TaskRevokedError", module: celery, reason)
    }

    /// Its hard limit, in seconds, was over.
    public static func timeLimitExceeded(_ seconds: Double) -> TaskFailure {
        TaskFailure(type: "TimeLimitExceeded", module: billiard, arguments: [Self.number(seconds)])
    }

    /// Its soft limit, in seconds, was over.
    public static func softTimeLimitExceeded(_ seconds: Double) -> TaskFailure {
        TaskFailure(type: "SoftTimeLimitExceeded", module: billiard, arguments: [Self.number(seconds)])
    }

    /// The process that ran it is gone.
    public static func workerLost(_ text: String) -> TaskFailure {
        TaskFailure("WorkerLostError", module: billiard, text)
    }

    /// Its message cannot be run.
    public static func invalidTask(_ text: String) -> TaskFailure {
        TaskFailure("InvalidTaskError", module: celery, text)
    }

    /// A part of the chord failed, or what the chord leads to cannot be run.
    public static func chord(_ text: String) -> TaskFailure {
        TaskFailure("ChordError", module: celery, text)
    }

    /// What the body of a chord fails with when a part of it did.
    public static func chord(dependency id: String, raised failure: TaskFailure) -> TaskFailure {
        chord("Dependency \(id) raised \(failure.repr)")
    }

    /// Its retries are used up, and it named no exception.
    public static func maximumRetries(name: String, id: String, args: String, kwargs: String) -> TaskFailure {
        TaskFailure(
            "MaxRetriesExceededError", module: celery, "Can't retry \(name)[\(id)] args:\(args) kwargs:\(kwargs)")
    }

    private static func number(_ seconds: Double) -> RawJSON {
        if let whole = Int64(exactly: seconds) { return RawJSON(.integer(whole)) }
        return RawJSON(.number(seconds))
    }
}
