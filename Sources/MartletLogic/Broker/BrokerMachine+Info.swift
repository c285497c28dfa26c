/// What monitors read.
extension BrokerMachine {
    mutating func info(_ arguments: [Bytes], now: Int64) -> Answer {
        let wanted = Set(arguments.map { $0.text.lowercased() })
        let isAll = wanted.isEmpty || !wanted.isDisjoint(with: ["all", "default", "everything"])
        let queues = isAll || wanted.contains("queues") ? reading(now: now).queues : []
        let sections = sections(queues, now: now).filter { isAll || wanted.contains($0.name.lowercased()) }
        let text = sections.map { section in
            "# \(section.name)\r\n" + section.lines.map { "\($0.0):\($0.1)\r\n" }.joined()
        }
        return .bulk(Bytes(text.joined(separator: "\r\n")))
    }

    private func sections(
        _ queues: [BrokerReading.Queue], now: Int64
    ) -> [(name: String, lines: [(String, String)])] {
        [
            ("Server", serverLines(now: now)),
            (
                "Clients",
                [
                    ("connected_clients", "\(clients.count)"), ("maxclients", "\(facts.maximumClients)"),
                    ("blocked_clients", "\(lines.count)"),
                    ("pubsub_clients", "\(clients.values.count { $0.subscriptions > 0 })"),
                ]
            ),
            ("Memory", memoryLines),
            (
                "Persistence",
                [
                    ("loading", "0"), ("rdb_bgsave_in_progress", "0"), ("rdb_last_save_time", "\(lastSave)"),
                    ("rdb_last_bgsave_status", "ok"), ("aof_enabled", "1"), ("aof_last_write_status", "ok"),
                    ("journal_records", "\(facts.journal.records)"), ("journal_bytes", "\(facts.journal.bytes)"),
                    ("journal_syncs", "\(facts.journal.syncs)"),
                    ("journal_sync_ms", "\(Int(facts.journal.syncMilliseconds))"),
                    ("journal_failures", "\(facts.journal.failures)"),
                ]
            ),
            (
                "Stats",
                [
                    ("total_connections_received", "\(counters.connections)"),
                    ("total_commands_processed", "\(counters.commands)"),
                    ("pubsub_channels", "\(subscriptions.channelNames.count)"),
                    ("pubsub_patterns", "\(subscriptions.patternCount)"), ("evicted_keys", "0"),
                ]
            ),
            ("Replication", [("role", "master"), ("connected_slaves", "0")]),
            ("Queues", queueLines(queues)),
            ("Keyspace", keyspaceLines),
        ]
    }

    private func serverLines(now: Int64) -> [(String, String)] {
        [
            ("redis_version", facts.redisVersion), ("redis_mode", "standalone"), ("martlet_version", facts.version),
            ("process_id", "\(facts.processID)"), ("run_id", facts.runID), ("tcp_port", "\(facts.port)"),
            ("server_time_usec", "\(now * 1000)"), ("uptime_in_seconds", "\((now - startTime) / 1000)"),
            ("uptime_in_days", "\((now - startTime) / 86_400_000)"),
        ]
    }

    private var memoryLines: [(String, String)] {
        [
            ("used_memory", "\(keyspace.bytes)"), ("used_memory_human", Self.human(keyspace.bytes)),
            ("used_memory_peak", "\(keyspace.bytes)"), ("maxmemory", "\(policy.maximumBytes)"),
            ("maxmemory_human", Self.human(policy.maximumBytes)), ("maxmemory_policy", "noeviction"),
        ]
    }

    /// What the broker keeps for queues, over all databases.
    private func queueLines(_ read: [BrokerReading.Queue]) -> [(String, String)] {
        let rooms = queues.rooms
        return [
            ("messages_in_limbo", "\(rooms.reduce(0) { $0 + $1.limbo.count })"),
            ("messages_taken", "\(rooms.reduce(0) { $0 + $1.taken.count })"),
            ("queues_with_delayed_messages", "\(rooms.reduce(0) { $0 + $1.held.count })"),
            ("dead_letters", "\(counters.deadLetters)"),
        ] + read.enumerated().map { ("queue_\($0.offset)", $0.element.line) }
    }

    private var keyspaceLines: [(String, String)] {
        (0..<Keyspace.databaseCount).compactMap { database in
            let count = keyspace.count(in: database)
            return count == 0 ? nil : ("db\(database)", "keys=\(count),expires=0,avg_ttl=0")
        }
    }

    private static func human(_ bytes: Int) -> String {
        var (number, unit) = (bytes * 100, 0)
        while number >= 102_400, unit < 4 { (number, unit) = (number / 1024, unit + 1) }
        let fraction = number % 100
        return "\(number / 100).\(fraction < 10 ? "0" : "")\(fraction)\(["B", "K", "M", "G", "T"][unit])"
    }

    // MARK: Others

    func commandCommand(_ arguments: [Bytes]) -> Answer {
        guard let name = arguments.first?.text.uppercased() else { return .array([]) }
        switch name {
        case "COUNT": return .integer(Int64(BrokerCommand.count))
        case "DOCS": return .map([])
        case "INFO": return .array(arguments.dropFirst().map { _ in .nullArray })
        case "LIST":
            let names = KeyspaceCommand.allCases.map(\.rawValue) + OwnCommand.allCases.map(\.rawValue)
            return .array(names.sorted().map { .bulk(Bytes($0)) })
        default: return BrokerRefusal.unknownSubcommand(arguments[0], of: "command")
        }
    }

    func config(_ arguments: [Bytes]) -> Answer {
        switch arguments[0].text.uppercased() {
        case "GET" where arguments.count > 1:
            let patterns = arguments.dropFirst().map { Bytes($0.text.lowercased()) }
            let found = settings.filter { name, _ in patterns.contains { Glob.matches(Bytes(name), $0) } }
            return .map(found.map { Answer.Pair(.bulk(Bytes($0.0)), .bulk(Bytes($0.1))) })
        case "RESETSTAT" where arguments.count == 1: return .ok
        case "SET":
            return BrokerRefusal.error("CONFIG SET is not possible: give the option to `martlet broker` when it starts")
        default: return BrokerRefusal.unknownSubcommand(arguments[0], of: "config")
        }
    }

    private var settings: [(String, String)] {
        [
            ("appendfsync", "always"), ("appendonly", "yes"), ("databases", "\(Keyspace.databaseCount)"),
            ("maxclients", "\(facts.maximumClients)"), ("maxmemory", "\(policy.maximumBytes)"),
            ("maxmemory-policy", "noeviction"), ("notify-keyspace-events", ""), ("port", "\(facts.port)"),
            ("save", ""), ("timeout", "0"),
        ]
    }
}

extension BrokerReading.Queue {
    /// As `INFO` has what belongs together; what would part it is not in a name.
    fileprivate var line: String {
        let name = String(
            self.name.unicodeScalars.map { $0.value < 0x20 || ",=".unicodeScalars.contains($0) ? "?" : Character($0) })
        return "name=\(name),db=\(database),ready=\(ready),delayed=\(delayed),taken=\(taken),dead=\(dead),"
            + "oldest_ms=\(oldestMilliseconds),published=\(published),delivered=\(delivered)"
    }
}
