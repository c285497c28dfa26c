import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore

/// What the broker knows of entries that fire again and again: who leads, and up to when each is done with.
///
/// Each step reads, decides, and changes only if nobody changed any of it meanwhile (`WATCH`): on a connection of its
/// own, one step at a time.
struct CronBook: Sendable {
    /// The number of the latest grant: who has a lower one does not lead any more.
    static let fenceKey = "martlet.cron.fence"
    /// There while a grant holds: its number and who has it.
    static let leaseKey = "martlet.cron.lease"
    /// Hash: an entry's name to when it is done with, in milliseconds since 1970.
    static let timesKey = "martlet.cron.times"
    /// Hash: an entry's name to the time whose task was sent last.
    static let runsKey = "martlet.cron.runs"
    /// Hash: an entry's name to what whoever leads knows of it (``CronTask/note(queue:)``).
    static let entriesKey = "martlet.cron.entries"

    /// How often a step is taken before which others came.
    private static let attempts = 5

    let link: BrokerLink
    /// Who this is, for people.
    let name: String
    /// What it has: the name of each entry to its note, as JSON.
    var entries: [String: String] = [:]

    /// nil: somebody else leads.
    func acquire(_ lease: Duration, now: Int64) async throws -> (token: Int64, lasts: [String: Int64])? {
        var token: Int64 = 0
        let answers = try await step([command("GET", Self.fenceKey), command("GET", Self.leaseKey)]) { replies in
            guard replies[1].string == nil else { return nil }
            // A broker that lost all it had must not begin with low numbers again.
            token = max((replies[0].string.flatMap { Int64($0) } ?? 0) + 1, now)
            let notes = entries.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
            return [
                command("SET", Self.fenceKey, "\(token)"), grant(token, lease), command("DEL", Self.entriesKey),
                notes.isEmpty ? [] : command(["HSET", Self.entriesKey] + notes), command("HGETALL", Self.timesKey),
            ].filter { !$0.isEmpty }
        }
        guard let answers else { return nil }
        return (token, Self.times(of: answers.last))
    }

    /// Whether the lease is still this one's.
    func renew(_ token: Int64, _ lease: Duration) async throws -> Bool {
        try await step([command("GET", Self.fenceKey)]) { replies in
            replies[0].string == "\(token)" ? [grant(token, lease)] : nil
        } != nil
    }

    func release(_ token: Int64) async throws {
        _ = try await step([command("GET", Self.fenceKey)]) { replies in
            replies[0].string == "\(token)" ? [command("DEL", Self.leaseKey)] : nil
        }
    }

    /// Carries out commands and notes up to when an entry is done with, both or none, if `token` is the latest grant
    /// and what is noted is what the firing expects.
    func fire(_ firing: CronFiring, _ token: Int64, _ commands: [[ByteBuffer]]) async throws -> FiringResult {
        var result = FiringResult.done
        let reading = [command("GET", Self.fenceKey), command("HGET", Self.timesKey, firing.name)]
        let answers = try await step(reading) { replies in
            let last = replies[1].string.flatMap { Int64($0) }
            if replies[0].string != "\(token)" {
                result = .fenced
            } else if let last, last != firing.previous {
                result = .already(last: last)
            } else {
                return commands + [command("HSET", Self.timesKey, firing.name, "\(firing.last)")]
            }
            return nil
        }
        for case .error(let text) in answers ?? [] {
            // It was noted all the same, and is to be tried again.
            try await forget(firing, token)
            throw RedisError(reply: text)
        }
        return result
    }

    private func forget(_ firing: CronFiring, _ token: Int64) async throws {
        let reading = [command("GET", Self.fenceKey), command("HGET", Self.timesKey, firing.name)]
        _ = try await step(reading) { replies in
            guard replies[0].string == "\(token)", replies[1].string == "\(firing.last)" else { return nil }
            guard let previous = firing.previous else { return [command("HDEL", Self.timesKey, firing.name)] }
            return [command("HSET", Self.timesKey, firing.name, "\(previous)")]
        }
    }

    private func grant(_ token: Int64, _ lease: Duration) -> [ByteBuffer] {
        command("SET", Self.leaseKey, "\(token) \(name)", "PX", "\(Int64(lease.inSeconds * 1000))")
    }

    /// What `HGETALL` answered.
    static func fields(of reply: RESPValue?) -> [String: String] {
        guard case .map(let pairs)? = reply else { return [:] }
        return pairs.reduce(into: [:]) { fields, pair in
            if let name = pair.key.string { fields[name] = pair.value.string }
        }
    }

    static func times(of reply: RESPValue?) -> [String: Int64] { fields(of: reply).compactMapValues { Int64($0) } }

    /// Reads, decides and changes; and does so again where somebody else changed something in between.
    ///
    /// - Parameter plan: The commands to carry out, by what was read; nil: none.
    /// - Returns: what these answered.
    private func step(
        _ reading: [[ByteBuffer]], _ plan: ([RESPValue]) -> [[ByteBuffer]]?
    ) async throws -> [RESPValue]? {
        let connection = try await link.connection()
        let watched = [command("WATCH", Self.fenceKey, Self.timesKey)]
        for _ in 0..<Self.attempts {
            let read = try await connection.pipeline(watched + reading).accepted()
            guard let commands = plan(Array(read.dropFirst())) else {
                _ = try await connection.pipeline([command("UNWATCH")])
                return nil
            }
            let replies = try await connection.pipeline([command("MULTI")] + commands + [command("EXEC")])
            if case .array(let answers) = try replies.accepted().last { return answers }
        }
        throw MartletError(.upstreamMalformed, operation: "the task broker", cause: "others were faster each time")
    }
}
