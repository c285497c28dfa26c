import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import Synchronization

extension WorkerInspection {
    /// `inspect stats`.
    var stats: JSONValue {
        let settings = worker.settings
        let (slots, autoscale, totals, inHand, startedAt) = worker.state.withLock { state in
            (state.desk.slots, state.desk.autoscale, state.desk.totals, state.desk.inHand, state.startedAt)
        }
        var stats: [String: JSONValue] = [
            "total": .object(totals.mapValues { .integer(Int64($0)) }), "pid": .integer(Int64(ProcessFacts.id)),
            "clock": .string(String(worker.clock.value)),
            "uptime": .integer(Int64(max(0, SystemClock.seconds - startedAt).rounded())),
            "pool": pool(slots), "broker": broker,
            "prefetch_count": .integer(Int64(slots * max(settings.desk.prefetch, 1))), "rusage": ProcessUsage.report,
        ]
        if let autoscale {
            stats["autoscaler"] = [
                "max": .integer(Int64(autoscale.upperBound)), "min": .integer(Int64(autoscale.lowerBound)),
                "current": .integer(Int64(slots)), "qty": .integer(Int64(inHand)),
            ]
        }
        return .object(stats)
    }

    private func pool(_ slots: Int) -> JSONValue {
        let own = worker.executors.flatMap(\.processIDs)
        let processes = own.isEmpty ? [Int(ProcessFacts.id)] : own
        let (soft, hard) = (worker.settings.desk.softLimit ?? 0, worker.settings.desk.hardLimit ?? 0)
        return [
            "implementation": "martlet:TaskWorker", "max-concurrency": .integer(Int64(slots)),
            "processes": .array(processes.map { .integer(Int64($0)) }), "max-tasks-per-child": "N/A",
            "put-guarded-by-semaphore": false, "timeouts": [.number(soft), .number(hard)], "writes": "N/A",
        ]
    }

    private var broker: JSONValue {
        let settings = worker.settings
        return [
            "hostname": .string(settings.brokerHost), "userid": .null,
            "virtual_host": .string(String(settings.database)), "port": .integer(Int64(settings.brokerPort)),
            "insist": false, "ssl": false, "transport": "redis", "connect_timeout": 4, "transport_options": [:],
            "login_method": .null, "uri_prefix": .null, "heartbeat": 0, "failover_strategy": "round-robin",
            "alternates": [],
        ]
    }

    /// `inspect report`, for people.
    var text: String {
        let (life, slots, queues, known) = worker.state.withLock { state in
            ("\(state.life)", state.desk.slots, state.desk.queues, state.known.count)
        }
        return """
            software -> martlet:\(worker.settings.version)
            worker -> \(worker.settings.name) (\(life))
            pool -> \(slots) slots, \(known) tasks registered
            queues -> \(queues.joined(separator: ", "))
            broker -> redis:\(worker.settings.brokerHost):\(worker.settings.brokerPort)/\(worker.settings.database)
            """
    }
}
