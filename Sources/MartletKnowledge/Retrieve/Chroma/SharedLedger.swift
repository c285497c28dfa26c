import Foundation
import MartletWire
import Synchronization

/// The ledger that all nodes read and write: a collection whose records are its lines, by their numbers.
///
/// Chroma has no transactions, but it never puts a record in the place of another one of the same id. So a line is
/// written under the number that follows the last one, and read back: whose line it is by then has the number, for all
/// nodes, and who has lost it writes again. What holds is settled by the lines alone.
final class SharedLedger: Sendable {
    private struct Waiting {
        var line: LedgerLine
        /// It has been sent, and may be there.
        var isSent = false
        var outcome: LedgerOutcome?
    }

    private struct State {
        var ledger = Ledger()
        /// Lines of this node whose writers wait, by their tokens, in the order of their coming.
        var waiting: [(token: Int, one: Waiting)] = []

        func place(_ token: Int) -> Int? { waiting.firstIndex { $0.token == token } }
    }

    private struct LineMetadata: Decodable {
        var line: Int
        var text: String
    }

    private let server: ChromaServer
    private let collection: String
    private let state = Mutex(State())
    /// Lines of a node that come together are written together.
    private let writing = Turns(1)

    init(_ server: ChromaServer, collection: String) {
        self.server = server
        self.collection = collection
    }

    /// Of the server: no other ledger has it, nor one of its name that comes after it.
    var identity: String { collection }

    /// As far as it was read last.
    var known: Ledger { state.withLock { $0.ledger } }

    // MARK: Reading

    /// With all lines that were there when this was called.
    func read() async throws -> Ledger {
        var window = 16
        while true {
            let first = known.lines + 1
            let ids = (first..<first + window).map { Self.id($0) }
            let found = try await lines(ids)
            let ledger = try state.withLock { state in
                for line in found.sorted(by: { $0.line < $1.line }) { try Self.take(line, &state) }
                return state.ledger
            }
            if found.count < window { return ledger }
            window = 256
        }
    }

    private func lines(_ ids: [String]) async throws -> [LineMetadata] {
        do {
            return try await server.get(ids, from: collection, as: LineMetadata.self).metadatas ?? []
        } catch let error as KnowledgeError where error.code == .notFound {
            throw KnowledgeError(.failed, "The Chroma server has lost Martlet's ledger: \(error)")
        }
    }

    private static func take(_ record: LineMetadata, _ state: inout State) throws {
        // Another reader may have been faster.
        guard record.line == state.ledger.lines + 1 else { return }
        let line: LedgerLine
        do {
            line = try JSONDecoder().decode(LedgerLine.self, from: Data(record.text.utf8))
        } catch {
            throw KnowledgeError(.failed, "Martlet's ledger on the Chroma server cannot be read: \(error).")
        }
        guard let outcome = try state.ledger.read(line), let place = state.place(line.token) else { return }
        state.waiting[place].one.outcome = outcome
    }

    // MARK: Writing

    /// Returns once the line is there, for every node that reads from then on.
    ///
    /// - Throws: the line's refusal, as `LedgerRefusal`; anything else: nobody knows whether it is there.
    func write(_ change: LedgerChange) async throws -> LedgerOutcome {
        let token = Int.random(in: 1..<1 << 53)
        let line = LedgerLine(token: token, change: change)
        state.withLock { $0.waiting.append((token, Waiting(line: line))) }
        defer { state.withLock { state in state.waiting.removeAll { $0.token == token } } }
        while true {
            let outcome = try await writing.take { () -> LedgerOutcome? in
                // Another writer may have taken it along.
                if let outcome = self.outcome(token) { return outcome }
                if isSent(token) {
                    _ = try await read()
                    if let outcome = self.outcome(token) { return outcome }
                }
                try await send()
                return self.outcome(token)
            }
            guard let outcome else { continue }
            if let refusal = outcome.refusal { throw LedgerRefusal(reason: refusal) }
            return outcome
        }
    }

    private func outcome(_ token: Int) -> LedgerOutcome? {
        state.withLock { state in state.place(token).flatMap { state.waiting[$0].one.outcome } }
    }

    private func isSent(_ token: Int) -> Bool {
        state.withLock { state in state.place(token).map { state.waiting[$0].one.isSent } ?? false }
    }

    private func send() async throws {
        let (first, lines) = state.withLock { state in
            let places = state.waiting.indices.filter { state.waiting[$0].one.outcome == nil }.prefix(Self.mostLines)
            for place in places { state.waiting[place].one.isSent = true }
            return (state.ledger.lines + 1, places.map { state.waiting[$0].one.line })
        }
        let records = try lines.enumerated().map { index, line in
            let text = String(decoding: try JSONEncoder().encode(line), as: UTF8.self)
            return ChromaRecord(
                id: Self.id(first + index), vector: [1],
                metadata: ["line": .integer(Int64(first + index)), "text": .string(text)], bytes: text.utf8.count)
        }
        try await server.add(records, to: collection)
        _ = try await read()
    }

    private static let mostLines = 64

    private static func id(_ line: Int) -> String { "line-\(line)" }
}

/// A line that did not hold: nothing has changed.
struct LedgerRefusal: Error {
    var reason: KnowledgeError
}
