package import MartletNet
import MartletWire
package import NIOCore

/// Copies what a broker holds to another one, be they Martlet's or Redis servers: messages that wait, on all their
/// priorities; those that workers have, which go back to their queues; those that wait for their time; dead letters;
/// bindings, results, groups and chords, and other keys. Nothing is removed from the source.
///
/// A message is known by its list and its delivery tag (an exchange may put one into several queues), and copied once,
/// however often it is asked for: both are noted at the destination in the same transaction that brings the messages.
package struct BrokerCopy {
    /// How long the destination remembers what was copied.
    private static let memory = "604800"
    /// Bytes of messages brought at a time.
    private static let batchBytes = 4 << 20

    private let source: CopyServer
    private let destination: CopyServer
    private var report = CopyReport()
    private var places = CopyPlaces()
    /// Messages that were at the destination before.
    private var present: Set<CopiedPlace> = []
    /// Messages that must be there in the end.
    private var expected: Set<CopiedPlace> = []

    /// - Parameter intoExisting: Also where there is data already.
    /// - Throws: `CopyError`, and what `RedisConnection` throws.
    package static func run(
        from source: RedisURL, to destination: RedisURL, intoExisting: Bool, on loop: any EventLoop
    ) async throws -> CopyReport {
        let from = try await CopyServer(source, on: loop)
        defer { from.close() }
        let to = try await CopyServer(destination, on: loop)
        defer { to.close() }
        var copy = BrokerCopy(source: from, destination: to)
        return try await copy.run(intoExisting: intoExisting)
    }

    private init(source: CopyServer, destination: CopyServer) {
        self.source = source
        self.destination = destination
    }

    private mutating func run(intoExisting: Bool) async throws -> CopyReport {
        guard source.identity != destination.identity else { throw CopyError.same }
        let there = try await destination.count() + destination.delayedLists().reduce(0) { $0 + $1.count }
        if there > 0 {
            guard intoExisting else { throw CopyError.hasData(keys: there) }
            present = try await messages(at: destination)
        }
        let keys = try await source.keys().map { (key: $0.key, type: $0.type, kind: CopyKind.of($0)) }
        // A broker of Martlet's knows by them which lists are queues.
        for one in keys where one.kind == .bindings { try await copyBindings(one.key, one.type) }
        // Before what waits: it was taken earlier.
        for one in keys where one.kind == .taken { try await copyTaken(one.key) }
        for one in keys where one.kind == .list { try await copyList(one.key) }
        for held in try await source.delayedLists() { try await copyDelayed(held.list, held.count) }
        for one in keys where one.kind == .result || one.kind == .other {
            guard try await copyWhole(one.key, one.type) else { continue }
            if one.kind == .result { report.results += 1 } else { report.others += 1 }
        }
        try await verify()
        return report
    }

    // MARK: Messages

    private mutating func copyList(_ list: ByteBuffer) async throws {
        let length = try await source.ask(command("LLEN") + [list]).wholeNumber
        var found = 0
        var copy = self
        try await source.eachPage(of: list) { page in
            let messages = page.compactMap { CopiedMessage($0) }
            found += messages.count
            guard found > 0 else { return }
            try await copy.bring(messages, to: list)
            guard messages.count < page.count else { return }
            var news = CopyReport.List(name: String(buffer: list))
            news.refused = page.count - messages.count
            news.reason = "no message of Celery's"
            copy.report.add(news)
        }
        self = copy
        // Somebody else's list.
        if found == 0, try await copyWhole(list, "list") { report.others += 1 }
        if try await source.ask(command("LLEN") + [list]).wholeNumber != length { report.isMoving = true }
    }

    private mutating func copyDelayed(_ list: ByteBuffer, _ count: Int) async throws {
        var copy = self
        try await source.eachDelayedPage(of: list, count: count) { page in
            let count = try await copy.bring(page.compactMap { CopiedMessage($0) }, to: list)
            copy.report.delayed += count
        }
        self = copy
    }

    private mutating func copyTaken(_ hash: ByteBuffer) async throws {
        let prefix = CopyKind.prefix(ofTaken: String(buffer: hash))
        for (_, note, lease) in try await source.reservations(in: hash) {
            guard let taken = CeleryReservation(Array(buffer: note)),
                let message = CopiedMessage(ByteBuffer(bytes: taken.message))
            else {
                report.unplaced += 1
                continue
            }
            guard let list = places.list(of: taken, lease, priority: message.priority, prefix: prefix) else {
                report.unplaced += 1
                continue
            }
            let count = try await bring([message.redelivered()], to: ByteBuffer(string: list))
            report.taken += count
        }
    }

    /// Brings messages that are not there yet, in order. How many.
    @discardableResult
    private mutating func bring(_ messages: [CopiedMessage], to list: ByteBuffer) async throws -> Int {
        guard !messages.isEmpty else { return 0 }
        var news = CopyReport.List(name: String(buffer: list))
        let places = messages.map { CopiedPlace(list: list, tag: $0.tag) }
        let marks = try await destination.ask(command("SMISMEMBER", CopyKind.mark) + places.map(\.mark)).elements
        var fresh: [CopiedMessage] = []
        for (index, (message, place)) in zip(messages, places).enumerated() {
            let wasCopied = index < marks.count && marks[index].wholeNumber == 1
            if wasCopied || !expected.insert(place).inserted || present.contains(place) {
                news.known += 1
                // It may be done by now: nobody can tell that it should still be there.
                if wasCopied, !present.contains(place) { expected.remove(place) }
            } else {
                fresh.append(message)
            }
        }
        for batch in CopiedMessage.batches(fresh, bytes: Self.batchBytes) {
            if let reason = try await push(batch, to: list) {
                try await pushSingly(batch, to: list, reason, &news)
            } else {
                news.copied += batch.count
            }
        }
        report.add(news)
        return news.copied
    }

    /// One of them is at fault: it is found.
    private mutating func pushSingly(
        _ batch: [CopiedMessage], to list: ByteBuffer, _ reason: String, _ news: inout CopyReport.List
    ) async throws {
        for message in batch {
            guard let reason = try await batch.count == 1 ? reason : push([message], to: list) else {
                news.copied += 1
                continue
            }
            expected.remove(CopiedPlace(list: list, tag: message.tag))
            news.refused += 1
            if news.reason.isEmpty { news.reason = reason }
        }
    }

    /// Brings messages and notes that they are there, both or none. Why they were refused; nil: they are there.
    private func push(_ batch: [CopiedMessage], to list: ByteBuffer) async throws -> String? {
        let marks = batch.map { CopiedPlace(list: list, tag: $0.tag).mark }
        let answers = try await destination.run([
            command("MULTI"),
            command("LPUSH") + [list] + batch.map(\.bytes),
            command("SADD", CopyKind.mark) + marks,
            command("EXPIRE", CopyKind.mark, Self.memory),
            command("EXEC"),
        ])
        for case .error(let text) in answers { return text }
        guard let results = answers.last?.elements, results.count == 3 else { throw CopyError.strange("EXEC") }
        guard case .error(let text) = results[0] else { return nil }
        _ = try await destination.ask(command("SREM", CopyKind.mark) + marks)
        return text
    }

    // MARK: Other keys

    private mutating func copyBindings(_ key: ByteBuffer, _ type: String) async throws {
        places.add(try await source.bindings(key, type), of: String(buffer: key))
        if try await copyWhole(key, type, mergesSets: true) { report.bindings += 1 }
    }

    /// Copies a key as it is, unless there is one of that name. Whether it did.
    private mutating func copyWhole(
        _ key: ByteBuffer, _ type: String, mergesSets: Bool = false
    ) async throws -> Bool {
        guard CopiedKey.types.contains(type) else {
            report.strange += 1
            return false
        }
        guard let words = try await CopiedKey(key, type, of: source).words else { return false }
        let isThere = try await destination.ask(command("EXISTS") + [key]).wholeNumber == 1
        guard !isThere || mergesSets && type == "set" else {
            report.kept += 1
            return false
        }
        let answers = try await destination.run(words)
        for case .error(let text) in answers + (answers.last?.elements ?? []) { throw CopyError.strange(text) }
        return true
    }

    // MARK: The end

    private mutating func verify() async throws {
        let there = try await messages(at: destination)
        report.missing = expected.subtracting(there).count
    }

    /// All messages that a server has. Those that workers took are where they go back to.
    private func messages(at server: CopyServer) async throws -> Set<CopiedPlace> {
        let keys = try await server.keys().map { (key: $0.key, type: $0.type, kind: CopyKind.of($0)) }
        var places = CopyPlaces()
        for (key, type, kind) in keys where kind == .bindings {
            places.add(try await server.bindings(key, type), of: String(buffer: key))
        }
        var found: Set<CopiedPlace> = []
        for (key, _, kind) in keys {
            switch kind {
            case .list: try await server.eachPage(of: key) { found.formUnion(CopiedPlace.all(of: $0, on: key)) }
            case .taken:
                let prefix = CopyKind.prefix(ofTaken: String(buffer: key))
                for (tag, note, lease) in try await server.reservations(in: key) {
                    guard let taken = CeleryReservation(Array(buffer: note)) else { continue }
                    let priority = CopiedMessage(ByteBuffer(bytes: taken.message))?.priority ?? 0
                    let list = places.list(of: taken, lease, priority: priority, prefix: prefix)
                    found.insert(CopiedPlace(list: ByteBuffer(string: list ?? ""), tag: tag))
                }
            default: break
            }
        }
        for held in try await server.delayedLists() {
            try await server.eachDelayedPage(of: held.list, count: held.count) { page in
                found.formUnion(CopiedPlace.all(of: page, on: held.list))
            }
        }
        return found
    }
}

/// A message in one of the lists that it may be in.
private struct CopiedPlace: Hashable {
    var list: ByteBuffer
    var tag: String

    /// What is noted of it at the destination.
    var mark: ByteBuffer {
        var mark = list
        mark.writeString("\0" + tag)
        return mark
    }

    static func all(of page: [ByteBuffer], on list: ByteBuffer) -> [CopiedPlace] {
        page.compactMap { CopiedMessage($0).map { CopiedPlace(list: list, tag: $0.tag) } }
    }
}

extension CopyPlaces {
    /// Where a message was that a worker took; nil: nobody says it.
    fileprivate func list(
        of taken: CeleryReservation, _ lease: String?, priority: Int, prefix: String
    ) -> String? {
        // A lease of Martlet's names the key: number and list.
        if let lease, let blank = lease.firstIndex(of: " ") { return String(lease[lease.index(after: blank)...]) }
        return list(exchange: taken.exchange, routingKey: taken.routingKey, priority: priority, prefix: prefix)
    }
}

extension CopyKind {
    fileprivate static func of(_ one: (key: ByteBuffer, type: String)) -> CopyKind {
        of(String(buffer: one.key), type: one.type)
    }
}
