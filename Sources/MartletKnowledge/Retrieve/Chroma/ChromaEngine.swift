import Foundation
package import MartletLogic
import MartletWire
import Synchronization

/// Knowledge on a Chroma server that any number of nodes share: what one of them writes, all of them find.
///
/// A base is a collection of vectors, with the chunks, and a collection of documents, with their texts and files.
/// Records are written under a number that nobody knows yet, and become visible by a line of the ``SharedLedger``, all
/// of them in one step; nodes ignore the records of which no line speaks. Each node keeps in memory what it says
/// of the documents (names, versions, metadata), but neither texts nor vectors.
package final class ChromaEngine: KnowledgeEngine {
    package struct Settings: Sendable {
        package var tenant = "default_tenant"
        package var database = "default_database"
        /// Of the names of collections: nodes with the same one share their bases.
        package var prefix = "martlet"
        /// Where files that are asked for are put, on this machine.
        package var folder: String
        package var fusion = Fusion()
        /// Of a file, in bytes: a larger one is not kept.
        package var greatestFile = 8 << 20
        /// Seconds since 1970.
        package var now: @Sendable () -> Double = { Date().timeIntervalSince1970 }

        package init(folder: String) { self.folder = folder }
    }

    /// What the server answered.
    package struct Reply: Sendable {
        package var status: Int
        package var body: [UInt8]

        package init(status: Int, body: [UInt8]) {
            self.status = status
            self.body = body
        }
    }

    /// Sends a request, with a body of JSON where there is one; throws when the server does not answer in time. The
    /// path begins with `/api/v2` and has its query with it. Bodies and replies may have some megabytes: a file has.
    package typealias Call = @Sendable (_ method: String, _ path: String, _ body: [UInt8]?) async throws -> Reply

    package let meter = KnowledgeMeter()
    let settings: Settings
    let server: ChromaServer
    let ledger: SharedLedger
    let rows = ChunkRows()
    let words = WordCounts()
    /// Of the models that are made ready: documents all of whose chunks have their vector.
    let ready = Mutex<[String: Set<Int>]>([:])
    /// What tells this store from others, on every node alike.
    package var identity: String { ledger.identity }
    /// How many records a request may bring.
    private let batch: Int

    private init(_ settings: Settings, _ server: ChromaServer, _ ledger: SharedLedger, batch: Int) {
        self.settings = settings
        self.server = server
        self.ledger = ledger
        self.batch = batch
    }

    /// Asks the server for what it has, which may be nothing yet.
    ///
    /// - Throws: `KnowledgeError`: `unavailable`: the server does not answer.
    package static func open(_ settings: Settings, call: @escaping Call) async throws -> ChromaEngine {
        let server = ChromaServer(tenant: settings.tenant, database: settings.database, call: call)
        let batch = try await server.greatestBatch()
        let collection = try await server.createCollection(
            settings.prefix + "-ledger", metadata: ["martlet": "ledger"], isShared: true)
        let ledger = SharedLedger(server, collection: collection.id)
        _ = try await ledger.read()
        return ChromaEngine(settings, server, ledger, batch: min(max(1, batch), mostRecords))
    }

    private static let mostRecords = 512
    private static let mostBytes = 4 << 20
    private static let attempts = 8

    // MARK: Reading

    /// What a base is now.
    func now(_ base: String) async throws -> LedgerBase { try await ledger.read().base(base) }

    /// Reads of a base as it was at some moment of the call: again, when what was read may be of several moments.
    ///
    /// It begins with what is known of the base, and asks the ledger at the end only: mostly nothing has changed, and a
    /// question costs one request less.
    func reading<Result>(_ name: String, _ body: (LedgerBase) async throws -> Result) async throws -> Result {
        var base: LedgerBase
        var isFresh = false
        if let known = try? ledger.known.base(name) {
            base = known
        } else {
            base = try await now(name)
            isFresh = true
        }
        for _ in 0..<Self.attempts {
            let result = await Self.outcome(of: base, body)
            let after = try await now(name)
            let isSame = after.id == base.id && after.epoch == base.epoch
            let isWhole = isFresh && after.id == base.id && after.whole <= base.epoch
            if isSame || isWhole { return try result.get() }
            base = after
            isFresh = true
        }
        throw KnowledgeError(.overloaded, "\(name) changes faster than it can be read; try again later.")
    }

    private static func outcome<Result>(
        of base: LedgerBase, _ body: (LedgerBase) async throws -> Result
    ) async -> Swift.Result<Result, any Error> {
        do {
            return .success(try await body(base))
        } catch {
            return .failure(error)
        }
    }

    // MARK: Writing

    func add(_ records: [ChromaRecord], to collection: String) async throws {
        let batches = ChromaRecord.batches(records, atMost: batch, bytes: Self.mostBytes)
        _ = try await inOrder(batches, atOnce: 4) { try await self.server.add($0, to: collection) }
    }

    /// Writes a line for all nodes, and removes what it leaves behind, as far as that can be done.
    ///
    /// - Parameters:
    ///   - base: As it was known; nil: it has nothing that could be left behind.
    ///   - writes: Records that are nobody's if the line does not hold.
    func write(
        _ change: LedgerChange, of base: LedgerBase?, showing writes: [Int] = []
    ) async throws -> LedgerOutcome {
        let outcome: LedgerOutcome
        do {
            outcome = try await ledger.write(change)
        } catch let refusal as LedgerRefusal {
            if let base { await discard(writes, of: base) }
            throw refusal.reason
        }
        for collection in outcome.sweptCollections { try? await server.deleteCollection(collection) }
        if let base { await discard(outcome.swept, of: base) }
        return outcome
    }

    /// Removes the records of writes that nobody reads. What stays all the same, ``sweep()`` removes later.
    func discard(_ writes: [Int], of base: LedgerBase) async {
        guard !writes.isEmpty else { return }
        for write in writes { forgetFile(write) }
        for collection in [base.space.id, base.id] + (base.next.map { [$0.id] } ?? []) {
            try? await server.delete(writes: writes, from: collection)
        }
    }

    static func draw() -> Int { Int.random(in: 1..<1 << 53) }

    /// In seconds since 1970.
    var clock: Int { Int(settings.now()) }
}
