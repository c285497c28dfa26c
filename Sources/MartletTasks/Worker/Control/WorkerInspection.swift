import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import Synchronization

/// A worker as `inspect` shows it.
struct WorkerInspection {
    let worker: TaskWorker

    init(_ worker: TaskWorker) { self.worker = worker }

    private struct Task {
        var view: DeskTask
        var message: TaskMessage
        /// In seconds since 1970.
        var startedAt: Double?
    }

    private func tasks(_ views: (WorkerDesk) -> [DeskTask]) -> [Task] {
        worker.state.withLock { state in
            views(state.desk).compactMap { view in
                state.held[view.id].map { Task(view: view, message: $0.hand.message, startedAt: $0.startedAt) }
            }
        }
    }

    func active(isSafe: Bool) -> JSONValue { .array(tasks(\.active).map { info($0, isSafe: isSafe) }) }

    var reserved: JSONValue { .array(tasks(\.reserved).map { info($0, isSafe: false) }) }

    var scheduled: JSONValue {
        .array(
            tasks(\.scheduledTasks).map { task in
                ControlReply.scheduled(task.message, task: info(task, isSafe: false))
            })
    }

    /// `{id: [state, info]}`; those that are not here are left out.
    func query(_ ids: [String]) -> JSONValue {
        let found = tasks { $0.tasks(of: ids) }.map { task -> (String, JSONValue) in
            let word = Self.word(task.view.phase)
            return (task.message.id, [.string(word), info(task, isSafe: false)])
        }
        return .object(Dictionary(found) { $1 })
    }

    private static func word(_ phase: DeskTask.Phase) -> String {
        switch phase {
        case .running, .acknowledging: "active"
        case .waitsForKey, .waitsForRate, .waitsForPlace, .waitsForBatch, .ready: "reserved"
        case .scheduled: "scheduled"
        case .settling: "ready"
        }
    }

    private func info(_ task: Task, isSafe: Bool) -> JSONValue {
        ControlReply.task(
            task.message, hostname: worker.settings.name, isSafe: isSafe, startedAt: task.startedAt,
            isAcknowledged: task.view.isAcknowledged,
            processID: task.startedAt == nil ? nil : Int(ProcessFacts.id))
    }

    // MARK: What it knows

    func registered(_ items: [String]?) -> JSONValue {
        let wanted = items.flatMap { $0.isEmpty ? nil : $0 } ?? ["exchange", "routing_key", "rate_limit"]
        let rules = worker.state.withLock { state in
            state.known.keys.filter { !$0.hasPrefix("celery.") }.compactMap { state.desk.rules(of: $0) }
        }
        return .array(rules.sorted { $0.name < $1.name }.map { .string(Self.describe($0, wanted)) })
    }

    private static func describe(_ rules: TaskRules, _ items: [String]) -> String {
        let fields = items.compactMap { item -> String? in
            let value: String? =
                switch item {
                case "name": rules.name
                case "rate_limit": rules.rateLimit?.text
                case "time_limit": rules.hardLimit.map { "\($0)" }
                case "soft_time_limit": rules.softLimit.map { "\($0)" }
                case "max_retries": rules.retry.maximumRetries.map(String.init)
                case "acks_late": rules.acksLate ? "True" : "False"
                default: nil
                }
            return value.map { "\(item)=\($0)" }
        }
        return fields.isEmpty ? rules.name : "\(rules.name) [\(fields.joined(separator: " "))]"
    }

    var queues: JSONValue { .array(worker.state.withLock { $0.desk.queues }.map { ControlReply.queue($0) }) }

    /// The oldest first.
    var revokedIDs: [String] {
        let entries = worker.state.withLock { $0.desk.revocations.entries }
        return entries.sorted { $0.expires < $1.expires }.map(\.id)
    }

    var configuration: JSONValue {
        let settings = worker.settings
        var members: [String: JSONValue] = settings.configuration.mapValues { .string($0) }
        members["worker_concurrency"] = .integer(Int64(settings.desk.slots))
        members["worker_prefetch_multiplier"] = .integer(Int64(settings.desk.prefetch))
        members["worker_send_task_events"] = .bool(worker.events.sendsTaskEvents)
        if !settings.acksAsApp { members["task_acks_late"] = true }
        members["task_time_limit"] = settings.desk.hardLimit.map { .number($0) } ?? .null
        members["task_soft_time_limit"] = settings.desk.softLimit.map { .number($0) } ?? .null
        members["result_expires"] = .integer(settings.resultExpires.components.seconds)
        members["accept_content"] = ["json"]
        return .object(members)
    }
}
