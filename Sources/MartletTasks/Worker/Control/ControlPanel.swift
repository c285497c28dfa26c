import Logging
import MartletBase
import MartletLogic
import MartletWire

/// What a worker answers to remote control: Celery's commands, with Celery's replies.
struct ControlPanel {
    let worker: TaskWorker

    init(_ worker: TaskWorker) { self.worker = worker }

    /// - Throws: what is answered as an error.
    func answer(_ method: String, _ arguments: JSONValue) async throws(ControlRefusal) -> JSONValue {
        let arguments = ControlArguments(arguments, of: method)
        if let reply = inspect(method, arguments) { return reply }
        switch method {
        case "revoke": return try await revoke(arguments, terminate: arguments.flag("terminate"))
        case "terminate": return try await revoke(arguments, terminate: true)
        case "revoke_by_stamped_headers": return await revokeByStamps(arguments)
        case "rate_limit": return try setRate(arguments)
        case "time_limit": return setTimeLimit(arguments)
        case "pool_grow": return await grow(arguments.integer("n") ?? 1)
        case "pool_shrink": return await shrink(arguments.integer("n") ?? 1)
        case "autoscale": return try await autoscale(arguments)
        case "pool_restart": return try await restart()
        case "add_consumer": return try consume(arguments)
        case "cancel_consumer": return try stopConsuming(arguments)
        case "enable_events": return enableEvents(true)
        case "disable_events": return enableEvents(false)
        case "heartbeat":
            worker.events.worker(.heartbeat, worker.vitals)
            return .null
        case "shutdown":
            guard worker.settings.obeysShutdown else { throw .value("it belongs to a server, and ends with that") }
            worker.logger.notice("shutdown was asked for", metadata: ["worker": "\(worker.settings.name)"])
            await worker.drain()
            return .null
        case "election":
            worker.callElection(arguments)
            return .null
        default: throw .key(method)
        }
    }
}

// MARK: Looking

extension ControlPanel {
    /// nil: it is no command that only looks.
    private func inspect(_ method: String, _ arguments: ControlArguments) -> JSONValue? {
        let report = WorkerInspection(worker)
        switch method {
        case "ping": return ControlReply.pong
        case "clock": return ["clock": .integer(Int64(worker.clock.value))]
        case "report": return ControlReply.ok(report.text)
        case "stats": return report.stats
        case "active", "dump_active": return report.active(isSafe: arguments.flag("safe"))
        case "reserved", "dump_reserved": return report.reserved
        case "scheduled", "dump_schedule": return report.scheduled
        case "registered", "dump_tasks": return report.registered(arguments.texts("taskinfoitems"))
        case "active_queues": return report.queues
        case "revoked", "dump_revoked": return .array(report.revokedIDs.map { .string($0) })
        case "query_task": return report.query(arguments.texts("ids") ?? [])
        case "conf", "dump_conf": return report.configuration
        case "memsample":
            return .string("\((Double(ProcessUsage.peakMemoryBytes) / 1_000_000).rounded())MB")
        case "hello": return hello(arguments)
        default: return nil
        }
    }

    /// Another worker is new, and says what it knows.
    private func hello(_ arguments: ControlArguments) -> JSONValue {
        guard arguments.text("from_node") != worker.settings.name else { return .null }
        worker.learn(revoked: Self.ids(arguments["revoked"]))
        return ControlReply.hello(
            revoked: WorkerInspection(worker).revokedIDs, clock: worker.clock.forward())
    }

    /// A list of ids, or as older workers send them, an object of ids and their times.
    static func ids(_ value: JSONValue?) -> [String] {
        if case .object(let members) = value { return Array(members.keys) }
        return value.map(ControlArguments.texts) ?? []
    }
}
