import MartletNet
import MartletWire
import NIOCore

/// One side of a copy: what is asked of a broker, be it Martlet's or a Redis.
struct CopyServer: Sendable {
    /// Elements asked for at a time.
    static let page = 200

    private let connection: RedisConnection
    /// Martlet's own holds messages back until their time.
    let isMartlet: Bool
    /// The database of this server: its run, its port and the number.
    let identity: String

    init(_ url: RedisURL, on loop: any EventLoop) async throws {
        connection = try await RedisConnection.open(url, on: loop, timeout: .seconds(60))
        let info = try await connection.call("INFO", "server").string ?? ""
        isMartlet = info.contains("martlet_version:")
        let facts = info.split(separator: "\r\n").filter { $0.hasPrefix("run_id:") || $0.hasPrefix("tcp_port:") }
        identity = "\(facts.joined(separator: " ")) \(url.database)"
    }

    func close() { connection.close() }

    func run(_ commands: [[ByteBuffer]]) async throws -> [RESPValue] { try await connection.pipeline(commands) }

    func ask(_ words: [ByteBuffer]) async throws -> RESPValue { try await connection.call(words) }

    func count() async throws -> Int { try await ask(command("DBSIZE")).wholeNumber ?? 0 }

    /// Every key and its type, in the order of the keys.
    func keys() async throws -> [(key: ByteBuffer, type: String)] {
        var found: Set<ByteBuffer> = []
        var cursor = "0"
        repeat {
            let answer = try await ask(command("SCAN", cursor, "COUNT", "1000")).elements
            guard answer.count == 2, let next = answer[0].string else { throw CopyError.strange("SCAN") }
            for case .bulk(let key) in answer[1].elements { found.insert(key) }
            cursor = next
        } while cursor != "0"
        let keys = found.sorted { $0.readableBytesView.lexicographicallyPrecedes($1.readableBytesView) }
        var typed: [(key: ByteBuffer, type: String)] = []
        for page in keys.pages(of: 1000) {
            let types = try await run(page.map { command("TYPE") + [$0] })
            for (key, type) in zip(page, types) {
                guard let type = type.string, type != "none" else { continue }
                typed.append((key: key, type: type))
            }
        }
        return typed
    }

    /// The members of a set of bindings; none where it is no set.
    func bindings(_ key: ByteBuffer, _ type: String) async throws -> [String] {
        guard type == "set" else { return [] }
        return try await ask(command("SMEMBERS") + [key]).elements.compactMap(\.string)
    }

    /// A list's elements, those first that are served first.
    func eachPage(of list: ByteBuffer, _ body: ([ByteBuffer]) async throws -> Void) async throws {
        let length = try await ask(command("LLEN") + [list]).wholeNumber ?? 0
        for end in stride(from: 0, to: length, by: Self.page) {
            let range = command("\(-min(end + Self.page, length))", "\(-end - 1)")
            let page = try await ask(command("LRANGE") + [list] + range).elements.compactMap(\.bytes)
            try await body(page.reversed())
        }
    }

    /// Lists for which messages wait for their time, and how many.
    func delayedLists() async throws -> [(list: ByteBuffer, count: Int)] {
        guard isMartlet else { return [] }
        let answer = try await ask(command("MARTLET", "HELD")).elements
        return stride(from: 0, to: answer.count - 1, by: 2).compactMap { place in
            guard let list = answer[place].bytes, let count = answer[place + 1].wholeNumber else { return nil }
            return (list: list, count: count)
        }
    }

    /// Messages that wait for their time, the earliest first.
    func eachDelayedPage(
        of list: ByteBuffer, count: Int, _ body: ([ByteBuffer]) async throws -> Void
    ) async throws {
        for start in stride(from: 0, to: count, by: Self.page) {
            let words = command("MARTLET", "HELD") + [list] + command("\(start)", "\(Self.page)")
            try await body(try await ask(words).elements.compactMap(\.bytes))
        }
    }

    /// What workers wrote down of the messages that they took, the oldest first.
    func reservations(in hash: ByteBuffer) async throws -> [(tag: String, note: ByteBuffer, lease: String?)] {
        let prefix = ByteBuffer(string: CopyKind.prefix(ofTaken: String(buffer: hash)))
        let index = try await ask(
            command("ZRANGE") + [prefix.joined("unacked_index")] + command("0", "-1")).elements
        let order = Dictionary(index.compactMap(\.string).enumerated().map { ($1, $0) }) { first, _ in first }
        let notes = try await fields(of: hash).map { (String(buffer: $0.name), $0.value) }
            .sorted { (order[$0.0] ?? .max, $0.0) < (order[$1.0] ?? .max, $1.0) }
        guard !notes.isEmpty else { return [] }
        let leases = try await ask(
            command("HMGET") + [prefix.joined("martlet.leases")] + notes.map { ByteBuffer(string: $0.0) }).elements
        return notes.enumerated().map { place, note in
            (tag: note.0, note: note.1, lease: place < leases.count ? leases[place].string : nil)
        }
    }

    func fields(of hash: ByteBuffer) async throws -> [(name: ByteBuffer, value: ByteBuffer)] {
        switch try await ask(command("HGETALL") + [hash]) {
        case .map(let pairs):
            return pairs.compactMap { pair in
                guard let name = pair.key.bytes, let value = pair.value.bytes else { return nil }
                return (name: name, value: value)
            }
        case let flat:
            let words = flat.elements.compactMap(\.bytes)
            return stride(from: 0, to: words.count - 1, by: 2).map { (name: words[$0], value: words[$0 + 1]) }
        }
    }

    /// Members of a sorted set with their scores, as they are written.
    func scores(of key: ByteBuffer) async throws -> [(member: ByteBuffer, score: ByteBuffer)] {
        let answer = try await ask(command("ZRANGE") + [key] + command("0", "-1", "WITHSCORES")).elements
        if case .array? = answer.first {
            return answer.compactMap { pair in
                let pair = pair.elements
                guard pair.count == 2, let member = pair[0].bytes, let score = pair[1].score else { return nil }
                return (member: member, score: score)
            }
        }
        return stride(from: 0, to: answer.count - 1, by: 2).compactMap { place in
            guard let member = answer[place].bytes, let score = answer[place + 1].score else { return nil }
            return (member: member, score: score)
        }
    }
}

extension RESPValue {
    var wholeNumber: Int? {
        if case .integer(let number) = self { Int(number) } else { nil }
    }

    fileprivate var score: ByteBuffer? {
        switch self {
        case .double(let number): ByteBuffer(string: RESPDouble.text(number))
        case .integer(let number): ByteBuffer(string: "\(number)")
        default: bytes
        }
    }
}

extension ByteBuffer {
    fileprivate func joined(_ text: String) -> ByteBuffer {
        var joined = self
        joined.writeString(text)
        return joined
    }
}

extension Array {
    func pages(of count: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: self.count, by: count).map { self[$0..<Swift.min($0 + count, self.count)] }
    }
}
