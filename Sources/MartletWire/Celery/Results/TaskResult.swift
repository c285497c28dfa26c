/// The result of a task as it is stored for its clients, under ``key(_:)``.
public struct TaskResult: Sendable, Hashable {
    public var id: String
    public var state: TaskState
    /// The value; of an exception what ``TaskFailure/json`` is; of `STARTED` and an app's own states what is told of
    /// them.
    public var result: RawJSON
    public var traceback: String?
    /// What it published while it ran.
    public var children: [ResultTree] = []
    /// When it was done, ISO 8601; nil: it is not.
    public var dateDone: String?
    public var groupID: String?
    public var parentID: String?
    /// What `result_extended` adds: name, args, kwargs, worker, retries, queue.
    public var extended = RawObject()

    public init(id: String, state: TaskState, result: RawJSON, traceback: String? = nil) {
        self.id = id
        self.state = state
        self.result = result
        self.traceback = traceback
    }

    /// The key that it is stored under, and the channel that it is told on.
    public static func key(_ id: String) -> String { "celery-task-meta-\(id)" }

    /// The key of a group: of its saved results, and of the parts of a chord with an ending.
    public static func groupKey(_ id: String, _ part: String = "") -> String { "celery-taskset-meta-\(id)\(part)" }

    /// What went wrong; nil: its state is no exception.
    public var failure: TaskFailure? {
        guard state.isException, var failure = TaskFailure(result) else { return nil }
        failure.traceback = traceback
        return failure
    }

    /// With the time when it was done, in milliseconds since 1970, when its state is a last one.
    public func done(at milliseconds: Int64) -> TaskResult {
        guard state.isReady else { return self }
        var done = self
        done.dateDone = CeleryTime.text(milliseconds: milliseconds)
        return done
    }

    /// With what belongs to the task that it is the result of.
    public func of(_ message: TaskMessage) -> TaskResult {
        var result = self
        result.groupID = message.group
        result.parentID = message.parentID
        return result
    }

    /// As it is stored.
    public func encode() -> [UInt8] {
        var writer = PythonJSON(reserving: result.bytes.count + 256)
        writer.put("{\"status\": ")
        writer.write(state.rawValue)
        writer.put(", \"result\": ")
        writer.write(result)
        writer.put(", \"traceback\": ")
        writer.write(traceback)
        writer.put(", \"children\": ")
        writer.write(list: children) { $1.write(into: &$0) }
        writer.put(", \"date_done\": ")
        writer.write(dateDone)
        for (name, value) in [("group_id", groupID), ("parent_id", parentID)] {
            guard let value, !value.isEmpty else { continue }
            writer.put(", \"\(name)\": ")
            writer.write(value)
        }
        for member in extended.members {
            writer.put(", ")
            writer.write(member.name)
            writer.put(": ")
            writer.write(member.value)
        }
        writer.put(", \"task_id\": ")
        writer.write(id)
        writer.put("}")
        return writer.bytes
    }

    /// Reads a stored result, also a shorter one than Celery's own.
    ///
    /// - Throws: when the bytes are no JSON object with a `status`: of another serializer, or compressed.
    public init(parsing bytes: [UInt8]) throws(WireError) {
        let json = try RawJSON(bytes)
        guard let object = RawObject(json), let status = object["status"]?.string else { throw RawJSON.notJSON }
        self.init(id: object["task_id"]?.string ?? "", state: TaskState(rawValue: status), result: .null)
        for member in object.members {
            switch member.name {
            case "status", "task_id": break
            case "result": result = member.value
            case "traceback": traceback = member.value.string
            case "children": children = (member.value.elements ?? []).compactMap { ResultTree($0) }
            case "date_done": dateDone = member.value.string
            case "group_id": groupID = member.value.string
            case "parent_id": parentID = member.value.string
            default: extended[member.name] = member.value
            }
        }
    }
}

extension TaskResult {
    public static func success(id: String, _ value: RawJSON, children: [ResultTree] = []) -> TaskResult {
        var result = TaskResult(id: id, state: .success, result: value)
        result.children = children
        return result
    }

    public static func failure(id: String, _ failure: TaskFailure) -> TaskResult {
        TaskResult(id: id, state: .failure, result: failure.json, traceback: failure.traceback)
    }

    /// It will be tried again: the exception that made it so.
    public static func retry(id: String, _ failure: TaskFailure) -> TaskResult {
        TaskResult(id: id, state: .retry, result: failure.json, traceback: failure.traceback)
    }

    /// - Parameter reason: `revoked`, `expired` or `terminated`.
    public static func revoked(id: String, _ reason: String) -> TaskResult {
        TaskResult(id: id, state: .revoked, result: TaskFailure.revoked(reason).json)
    }

    public static func started(id: String, processID: Int, hostname: String) -> TaskResult {
        let place = RawObject([("pid", RawJSON(.integer(Int64(processID)))), ("hostname", RawJSON(hostname))])
        return TaskResult(id: id, state: .started, result: place.json)
    }

    /// A state of the app's own, such as `PROGRESS`, with what it tells.
    public static func custom(id: String, _ state: String, _ meta: RawJSON) -> TaskResult {
        TaskResult(id: id, state: TaskState(rawValue: state), result: meta)
    }
}
