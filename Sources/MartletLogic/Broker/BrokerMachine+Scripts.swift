/// A script that runs natively.
enum BrokerScript: Hashable, Sendable {
    case known(KnownScript)
    case own(OwnScript)

    init?(sha1: Bytes) {
        if let known = KnownScript(sha1: sha1) {
            self = .known(known)
        } else if let own = OwnScript(sha1: sha1) {
            self = .own(own)
        } else {
            return nil
        }
    }

    init?(text: Bytes) {
        self.init(sha1: KnownScript.sha1(of: text))
    }

    /// Martlet's own workers have part in Celery's chords, and have a text of their own for other servers only.
    var needsNoText: Bool {
        switch self {
        case .known(.chordPart), .known(.chordExtend), .known(.chordCleanup): true
        default: false
        }
    }

    /// Whether it makes the data larger. What ends messages must go on however full the broker is.
    var mayGrow: Bool {
        switch self {
        case .known: true
        case .own(let script): script == .take || script == .tell
        }
    }
}

/// Scripts of clients that we know run natively; there is no Lua.
extension BrokerMachine {
    /// `EVAL text keys key… argument…`, and `EVALSHA` with the text's SHA-1.
    mutating func eval(_ command: OwnCommand, _ arguments: [Bytes], of id: ClientID, now: Int64) -> Answer {
        guard let database = clients[id]?.database else { return .null }
        guard let count = Int(arguments[1].text) else { return BrokerRefusal.notInteger }
        guard count >= 0 else { return BrokerRefusal.error("Number of keys can't be negative") }
        guard count <= arguments.count - 2 else {
            return BrokerRefusal.error("Number of keys can't be greater than number of args")
        }
        let script: BrokerScript
        if command == .eval {
            guard let known = BrokerScript(text: arguments[0]) else {
                return BrokerRefusal.unknownScript(arguments[0])
            }
            loadedScripts.insert(known)
            script = known
        } else {
            // As Redis: who gets this refusal sends the script.
            guard let known = BrokerScript(sha1: arguments[0]), known.needsNoText || loadedScripts.contains(known)
            else { return BrokerRefusal.noScript }
            script = known
        }
        if script.mayGrow, keyspace.bytes > policy.hardMaximumBytes { return BrokerRefusal.outOfMemory }
        defer { absorb(id, now: now) }
        let (keys, rest) = (Array(arguments[2..<(2 + count)]), arguments[(2 + count)...])
        switch script {
        case .known(let known): return keyspace.run(known, keys: keys, Array(rest), in: database, now: now)
        case .own(let own): return run(own, keys: keys, rest, of: id, in: database, now: now)
        }
    }

    mutating func script(_ arguments: [Bytes]) -> Answer {
        let rest = arguments.dropFirst()
        switch arguments[0].text.uppercased() {
        case "LOAD" where rest.count == 1:
            guard let script = BrokerScript(text: arguments[1]) else {
                return BrokerRefusal.unknownScript(arguments[1])
            }
            loadedScripts.insert(script)
            return .bulk(KnownScript.sha1(of: arguments[1]))
        case "EXISTS" where !rest.isEmpty:
            return .array(
                rest.map { sha1 in
                    .integer(BrokerScript(sha1: sha1).map { loadedScripts.contains($0) } == true ? 1 : 0)
                })
        case "FLUSH" where rest.count <= 1:
            loadedScripts = []
            return .ok
        default: return BrokerRefusal.unknownSubcommand(arguments[0], of: "script")
        }
    }
}
