extension Keyspace {
    /// Runs a known script, natively. It answers `ERR` when it was given too few keys or arguments. As in Redis, what
    /// its first steps changed stays when a later one is refused.
    public mutating func run(
        _ script: KnownScript, keys: [Bytes], _ arguments: [Bytes], in database: Int, now: Int64
    ) -> Answer {
        let needs = script.needs
        guard keys.count >= needs.keys, arguments.count >= needs.arguments else {
            return CommandRefusal("the script needs \(needs.keys) keys and \(needs.arguments) arguments").answer
        }
        var steps = ScriptSteps(keyspace: self, database: database, now: now)
        // The steps own the data meanwhile, so that nothing is copied.
        self = Keyspace()
        defer { self = steps.keyspace }
        do throws(CommandRefusal) {
            return try steps.run(script, keys, arguments)
        } catch {
            return error.answer
        }
    }
}

/// The steps of one script, all at one point of time.
private struct ScriptSteps {
    var keyspace: Keyspace
    let database: Int
    let now: Int64

    mutating func run(_ script: KnownScript, _ keys: [Bytes], _ arguments: [Bytes]) throws(CommandRefusal) -> Answer {
        switch script {
        case .lockRelease:
            guard try holds(keys[0], arguments[0]) else { return .integer(0) }
            try call(.del, keys[0])
            return .integer(1)
        case .lockExtend: return try extendLock(keys[0], arguments)
        case .lockReacquire:
            guard try holds(keys[0], arguments[0]) else { return .integer(0) }
            try call(.pexpire, keys[0], arguments[1])
            return .integer(1)
        case .refreshBinding:
            try call(.sadd, keys[0], arguments[0])
            try call(.zadd, keys[1], "GT", Bytes(String(now &+ integer(arguments[2]))), arguments[1])
            return .null
        case .sweepBindings: return try sweepBindings(keys[0], arguments)
        case .chordPart: return try chordPart(keys, arguments)
        case .chordExtend: return try extendClaim(keys[0], size: keys[1], arguments)
        case .chordCleanup:
            guard try holds(keys[0], arguments[0]) else { return .integer(0) }
            try call(.del, keys[1], keys[2], keys[3], keys[4])
            if try integer(arguments[1]) > 0 { try call(.set, keys[0], "done", "EX", arguments[1]) }
            return .integer(1)
        case .listLength: return try length(keys[0])
        }
    }

    /// One command; a refusal ends the script.
    @discardableResult
    private mutating func call(_ command: KeyspaceCommand, _ arguments: Bytes...) throws(CommandRefusal) -> Answer {
        let answer = keyspace.run(command, arguments, in: database, now: now)
        if case .error(let code, let text) = answer { throw CommandRefusal(code: code, text) }
        return answer
    }

    private func integer(_ text: Bytes) throws(CommandRefusal) -> Int64 {
        guard let number = NumberText.integer(text) else { throw .notAnInteger }
        return number
    }

    private mutating func holds(_ key: Bytes, _ token: Bytes) throws(CommandRefusal) -> Bool {
        try call(.get, key) == .bulk(token)
    }

    private mutating func extendLock(_ key: Bytes, _ arguments: [Bytes]) throws(CommandRefusal) -> Answer {
        guard try holds(key, arguments[0]), case .integer(let left) = try call(.pttl, key), left >= 0 else {
            return .integer(0)
        }
        let sum = try integer(arguments[1]).addingReportingOverflow(arguments[2] == "0" ? left : 0)
        guard !sum.overflow else { throw .notAnInteger }
        try call(.pexpire, key, Bytes(String(sum.partialValue)))
        return .integer(1)
    }

    // MARK: - Bindings

    /// The table and its permanent set are named by a beginning and the exchange.
    private mutating func sweepBindings(_ deadlines: Bytes, _ arguments: [Bytes]) throws(CommandRefusal) -> Answer {
        let found = try call(
            .zrangebyscore, deadlines, "-inf", Bytes(String(now)), "LIMIT", "0", arguments[2])
        guard case .array(let overdue) = found else { return .integer(0) }
        for case .bulk(let exchange) in overdue {
            if try call(.exists, Bytes(arguments[1].array + exchange.array)) == .integer(0) {
                try call(.del, Bytes(arguments[0].array + exchange.array))
            }
            try call(.zrem, deadlines, exchange)
        }
        return .integer(Int64(overdue.count))
    }

    // MARK: - Chords

    private mutating func chordPart(_ keys: [Bytes], _ arguments: [Bytes]) throws(CommandRefusal) -> Answer {
        let (parts, failures, size, seen, group, claim) = (keys[0], keys[1], keys[2], keys[3], keys[4], keys[5])
        // A part that comes again after the end must not begin the chord anew.
        if try holds(claim, "done") { return .array([.integer(-1), .integer(0), .integer(0), .integer(0)]) }
        let isOrdered = arguments[2] == "1"
        // A task may stand in the header twice, so its place there belongs to its name.
        let part = Bytes(arguments[0].array + Array(":".utf8) + arguments[3].array)
        if try call(.sismember, seen, part) == .integer(0) {
            if isOrdered {
                try call(.zadd, parts, arguments[3], arguments[1])
            } else {
                try call(.rpush, parts, arguments[1])
            }
            try call(.sadd, seen, part)
        }
        let ready = try call(isOrdered ? .zcard : .llen, parts)
        if try integer(arguments[4]) > 0 {
            for key in [parts, failures, size, seen] { try call(.expire, key, arguments[4]) }
            if try integer(arguments[5]) > 0 { try call(.expire, group, arguments[5]) }
        }
        let (added, header) = (try call(.get, failures), try call(.get, size))
        var claimed = Answer.null
        if case .bulk(let wanted) = header {
            var more: Int64 = 0
            if case .bulk(let text) = added { more = try integer(text) }
            if ready == .integer(try integer(wanted) &+ more) {
                claimed = try call(.set, claim, arguments[7], "NX", "EX", arguments[6])
            }
        }
        return .array([ready, added, header, .integer(claimed == .ok ? 1 : 0)])
    }

    private mutating func extendClaim(
        _ claim: Bytes, size: Bytes, _ arguments: [Bytes]
    ) throws(CommandRefusal) -> Answer {
        let (token, expiry) = (arguments[0], arguments[1])
        if try holds(claim, token) { return try call(.expire, claim, expiry) }
        guard try call(.get, claim) == .null, try call(.exists, size) == .integer(1) else { return .integer(0) }
        return .integer(try call(.set, claim, token, "EX", expiry, "NX") == .ok ? 1 : 0)
    }

    private mutating func length(_ key: Bytes) throws(CommandRefusal) -> Answer {
        switch try call(.type, key) {
        case .simple("zset"): try call(.zcard, key)
        case .simple("set"): try call(.scard, key)
        case .simple("hash"): try call(.hlen, key)
        default: try call(.llen, key)
        }
    }
}
