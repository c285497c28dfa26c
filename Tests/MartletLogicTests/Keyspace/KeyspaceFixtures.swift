import Testing

@testable import MartletLogic

/// A keyspace that is spoken to as in a terminal, and the answers as `redis-cli` of RESP3 would show them in one line.
final class Shell {
    var keyspace: Keyspace
    var now: Int64 = 1_700_000_000_000
    var database = 0

    init(seed: UInt64 = 0) { keyspace = Keyspace(seed: seed) }

    func run(_ command: KeyspaceCommand, _ arguments: [Bytes], in database: Int = 0) -> Answer {
        keyspace.run(command, arguments, in: database, now: now)
    }

    func script(_ script: KnownScript, _ keys: [Bytes], _ arguments: [Bytes]) -> String {
        keyspace.run(script, keys: keys, arguments, in: database, now: now).shown
    }

    func apply(_ mutation: Mutation) -> Bool { keyspace.apply(mutation) }

    /// Words part at blanks; `''` is an empty one.
    func callAsFunction(_ line: String) -> String {
        let words = line.split(separator: " ").map { $0 == "''" ? Bytes() : Bytes($0) }
        guard let name = words.first, let command = KeyspaceCommand.named(name) else { return "unknown" }
        return run(command, Array(words.dropFirst()), in: database).shown
    }

    /// Plays a transcript: each line is a command, an arrow and its answer; `wait` lets milliseconds pass.
    func play(_ transcript: String, sourceLocation: SourceLocation = #_sourceLocation) {
        for line in transcript.split(separator: "\n") {
            let parts = line.split(separator: " -> ", maxSplits: 1).map(String.init)
            if parts[0].hasPrefix("wait ") {
                now += Int64(parts[0].dropFirst(5)) ?? 0
            } else {
                #expect(self(parts[0]) == parts[1], "\(parts[0])", sourceLocation: sourceLocation)
            }
        }
    }

    func expireSome(after milliseconds: Int64) -> Int { keyspace.expireSome(now: now + milliseconds, limit: 10) }

    /// The changes since the last call.
    func changes() -> [Mutation.Change] { keyspace.takeMutations().map(\.change) }
}

extension Answer {
    var shown: String {
        switch self {
        case .simple(let text): text
        case .integer(let number): String(number)
        case .double(let number): "," + NumberText.text(number).text
        case .bulk(let bytes): bytes.isEmpty ? "''" : bytes.text
        case .null: "nil"
        case .nullArray: "nil[]"
        case .array(let answers): "[" + answers.map(\.shown).joined(separator: " ") + "]"
        case .map(let pairs): "{" + pairs.map { "\($0.first.shown)=\($0.second.shown)" }.joined(separator: " ") + "}"
        case .pairs(let pairs): "[" + pairs.map { "\($0.first.shown)\($0.second.shown)" }.joined(separator: " ") + "]"
        case .set(let answers): "<" + answers.map(\.shown).sorted().joined(separator: " ") + ">"
        case .boolean(let value): String(value)
        case .error(let code, let text): "\(code) \(text)"
        }
    }
}
