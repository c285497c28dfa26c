import MartletLogic
import MartletWire

/// What is shown of a task: what the broker says of it, and what events said.
struct TaskView {
    let id: String
    /// As a worker stored it.
    private var result: JSONValue?
    /// What was noted when it was handed in here.
    private var memo: JSONValue?
    private var record: TaskRecord?
    var place: TaskDesk.Place?
    /// It was called off.
    var isRevoked = false

    init(id: String, result: JSONValue?, memo: JSONValue?, record: TaskRecord?) {
        (self.id, self.result, self.memo, self.record) = (id, result, memo, record)
    }

    init(record: TaskRecord) {
        self.init(id: record.id, result: nil, memo: nil, record: record)
    }

    var isKnown: Bool { result != nil || memo != nil || record != nil || place != nil }

    /// By the broker where it says the end, else by whoever spoke last.
    var state: String {
        let stored = result?["status"]?.plainText
        if let stored, TaskState.isReady(stored) { return stored }
        if let record, record.state != TaskState.pending || stored == nil { return record.state }
        return stored ?? TaskState.pending
    }

    /// Whether it may lie on a queue.
    var isWaiting: Bool { [TaskState.pending, TaskState.retry, TaskState.rejected].contains(state) }

    var queue: String? { record?.queue ?? memo?["queue"]?.plainText }

    /// Everything.
    var json: JSONValue {
        var json = line
        json["ready"] = .bool(TaskState.isReady(state))
        json["result"] = value
        json["error"] = error
        json["progress"] = progress
        json["traceback"] = .optional(result?["traceback"]?.plainText ?? record?.traceback)
        json["children"] = result?["children"] ?? []
        json["date_done"] = .optional(result?["date_done"]?.plainText)
        json["expires"] = .optional(record?.expires)
        json["parent"] = .optional(result?["parent_id"]?.plainText ?? record?.parent)
        json["root"] = .optional(record?.root)
        json["place"] = placeText
        json["cancelled"] = .bool(isRevoked)
        json["timeline"] = .array((record?.timeline ?? []).map { step in
            [
                "state": .string(step.state), "time": .string(CeleryTime.text(milliseconds: Int64(step.time * 1000))),
                "worker": .optional(step.worker),
            ]
        })
        return json
    }

    /// What a list shows.
    var line: JSONValue {
        [
            "id": .string(id), "state": .string(state),
            "name": .optional(record?.name ?? memo?["name"]?.plainText ?? place?.task.name),
            "queue": .optional(queue ?? place?.queue), "worker": .optional(record?.worker),
            "args": .optional(record?.arguments), "kwargs": .optional(record?.keywordArguments),
            "retries": .integer(Int64(record?.retries ?? place?.task.retries ?? 0)),
            "eta": .optional(eta), "runtime": .optional(record?.runtime),
            "since": .optional(record.map { CeleryTime.text(milliseconds: Int64($0.since * 1000)) }),
            "summary": .optional(record?.result ?? record?.exception),
        ]
    }

    var eta: String? {
        record?.eta ?? memo?["eta"]?.int.flatMap { eta in
            (0...Int(1e14)).contains(eta) ? CeleryTime.text(milliseconds: Int64(eta)) : nil
        }
    }

    /// What it returned; null while it has not.
    private var value: JSONValue {
        state == TaskState.success ? result?["result"] ?? .optional(record?.result) : .null
    }

    /// Why it failed, or is tried again: `{"type", "message"}`.
    private var error: JSONValue {
        guard [TaskState.failure, TaskState.retry, TaskState.revoked].contains(state) else { return .null }
        if let type = result?["result"]?["exc_type"]?.plainText {
            var message = result?["result"]?["exc_message"] ?? .null
            // Python's exceptions have a tuple of arguments.
            if case .array(let parts) = message, parts.count == 1 { message = parts[0] }
            return ["type": .string(type), "message": .optional(message.plainText)]
        }
        guard let text = record?.exception else { return .null }
        let type = String(text.prefix { $0 != "(" })
        return ["type": .string(type), "message": .string(text)]
    }

    /// What a task says of itself while it runs.
    private var progress: JSONValue {
        guard let status = result?["status"]?.plainText, status == state, !TaskState.isFinal(status),
            ![TaskState.retry, TaskState.pending, TaskState.received].contains(status)
        else { return .null }
        return result?["result"] ?? .null
    }

    private var placeText: JSONValue {
        guard let place else { return .null }
        return [
            "queue": .string(place.queue), "ahead": .integer(Int64(place.ahead)), "dead": .bool(place.isDead),
            "scheduled": .bool(place.isScheduled),
            "priority": place.task.summary["priority"] ?? .null,
        ]
    }
}
