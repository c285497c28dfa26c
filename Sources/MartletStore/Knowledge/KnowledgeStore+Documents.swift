import Foundation
import GRDB

extension KnowledgeStore {
    // MARK: Changing

    /// Adds a document, or puts it in the place of the one of its name.
    ///
    /// - Parameters:
    ///   - space: What its vectors were made for: another one than the base's is a `wrongSpace`.
    ///   - committed: Called once it is durable, before the next change.
    package func put(
        _ document: NewDocument, in name: String, space: SpaceRecord,
        committed: @escaping @Sendable (CommittedChange) -> Void
    ) async throws(KnowledgeStoreError) -> CommittedChange {
        try await change(
            { database in
                let base = try Self.base(name, database)
                guard base.space == space else {
                    throw KnowledgeStoreError.wrongSpace("\(name) is of \(base.space.model) \(base.space.version)")
                }
                var change = CommittedChange(
                    base: base.number, previous: base.epoch, epoch: try Self.advance(base, database))
                try Self.removeDocument(document.name, of: base, into: &change, database)
                self.step(.removedOld)
                let record = try Self.insert(document, base, version: change.epoch, database)
                change.document = record
                self.step(.documentWritten)
                change.firstChunk = try Self.insert(document.chunks, of: record.number, space, database)
                if let next = document.next, next.space == base.nextSpace {
                    let numbered = next.vectors.enumerated().map { (change.firstChunk + Int64($0), $1) }
                    try Self.add(numbered, to: next.space, database)
                }
                self.step(.chunksWritten)
                var gone: [String] = []
                if let file = document.file {
                    gone = try Self.removeFile(document.name, of: base, database)
                    try database.execute(
                        sql: "INSERT INTO file (base, name, id, type, bytes, checksum) VALUES (?, ?, ?, ?, ?, ?)",
                        arguments: [base.number, document.name, file.id, document.type, file.bytes, file.checksum])
                }
                return (change, gone)
            }, committed: committed)
    }

    /// Removes documents, all of them in one step.
    ///
    /// - Parameter withFiles: Their files too.
    /// - Returns: also the names that there are not.
    package func delete(
        _ names: [String], from name: String, withFiles: Bool, committed: @escaping @Sendable (CommittedChange) -> Void
    ) async throws(KnowledgeStoreError) -> (change: CommittedChange, unknown: [String]) {
        try await change(
            { database in
                let base = try Self.base(name, database)
                var change = CommittedChange(base: base.number, previous: base.epoch, epoch: base.epoch)
                var (unknown, gone): ([String], [String]) = ([], [])
                for name in names {
                    let isThere = try Self.removeDocument(name, of: base, into: &change, database)
                    let files = withFiles ? try Self.removeFile(name, of: base, database) : []
                    if !isThere, files.isEmpty { unknown.append(name) }
                    gone += files
                }
                if !change.removed.isEmpty { change.epoch = try Self.advance(base, database) }
                self.step(.removedOld)
                return ((change: change, unknown: unknown), gone)
            }, committed: { committed($0.change) })
    }

    // MARK: Reading

    package func documents(in name: String) async throws -> [DocumentRecord] {
        try await reading { database in
            let base = try Self.base(name, database)
            let sql = "SELECT \(DocumentRecord.columns) FROM document WHERE base = ? ORDER BY name"
            return try Row.fetchAll(database, sql: sql, arguments: [base.number]).map { DocumentRecord($0) }
        }
    }

    /// Of all documents, by their names.
    package func likenesses(in name: String) async throws -> [String: [UInt8]] {
        try await reading { database in
            let base = try Self.base(name, database)
            let rows = try Row.fetchCursor(
                database, sql: "SELECT name, likeness FROM document WHERE base = ?", arguments: [base.number])
            var found: [String: [UInt8]] = [:]
            while let row = try rows.next() {
                let (name, likeness): (String, Data) = (row[0], row[1])
                found[name] = Array(likeness)
            }
            return found
        }
    }

    package func document(_ document: String, in name: String) async throws -> DocumentRecord? {
        try await reading { try Self.document(document, of: try Self.base(name, $0), $0) }
    }

    /// A document's chunks in reading order.
    package func chunks(
        of document: String, in name: String, from first: Int, atMost count: Int
    ) async throws -> [ChunkRecord] {
        try await reading { database in
            let base = try Self.base(name, database)
            let sql = ChunkRecord.query + " WHERE base = ? AND name = ? ORDER BY chunk.number LIMIT ? OFFSET ?"
            return try Row.fetchAll(database, sql: sql, arguments: [base.number, document, count, first])
                .map { try ChunkRecord($0) }
        }
    }

    /// Those of the chunks that are there.
    package func chunks(_ numbers: [Int64]) async throws -> [Int64: ChunkRecord] {
        try await reading { try Self.chunks(numbers, $0) }
    }

    /// As ``chunks(_:)``, for ``alone(_:)``: waits for the disk.
    package func chunksNow(_ numbers: [Int64]) throws -> [Int64: ChunkRecord] {
        try pool.read { try Self.chunks(numbers, $0) }
    }

    /// The vectors that chunks of these keys have in a space already.
    package func vectors(of keys: [[UInt8]], in space: SpaceRecord) async throws -> [[UInt8]: [Float]] {
        try await reading { database in
            let statement = try database.cachedStatement(
                sql: """
                    SELECT value FROM chunk CROSS JOIN vector ON vector.chunk = chunk.number
                    WHERE key = ? AND vector.space = ? LIMIT 1
                    """)
            return try keys.reduce(into: [:]) { found, key in
                guard found[key] == nil else { return }
                let row = try Row.fetchOne(statement, arguments: [Data(key), space.number])
                found[key] = row.flatMap { VectorBlob.vector($0[0], dimensions: space.dimensions) }
            }
        }
    }

    // MARK: Parts

    private static func chunks(_ numbers: [Int64], _ database: Database) throws -> [Int64: ChunkRecord] {
        let statement = try database.cachedStatement(sql: ChunkRecord.query + " WHERE chunk.number = ?")
        return try numbers.reduce(into: [:]) { found, number in
            found[number] = try Row.fetchOne(statement, arguments: [number]).map { try ChunkRecord($0) }
        }
    }

    private static func advance(_ base: BaseRecord, _ database: Database) throws -> Int {
        let epoch = try nextEpoch(database)
        try database.execute(
            sql: "UPDATE base SET epoch = ? WHERE number = ?", arguments: [epoch, base.number])
        return epoch
    }

    private static func document(_ name: String, of base: BaseRecord, _ database: Database) throws -> DocumentRecord? {
        let sql = "SELECT \(DocumentRecord.columns) FROM document WHERE base = ? AND name = ?"
        let statement = try database.cachedStatement(sql: sql)
        return try Row.fetchOne(statement, arguments: [base.number, name]).map { DocumentRecord($0) }
    }

    /// - Returns: false: there is none.
    @discardableResult
    private static func removeDocument(
        _ name: String, of base: BaseRecord, into change: inout CommittedChange, _ database: Database
    ) throws -> Bool {
        guard let former = try document(name, of: base, database) else { return false }
        change.removed.append(former.number)
        change.removedChunks += try Int64.fetchAll(
            database, sql: "SELECT number FROM chunk WHERE document = ? ORDER BY number", arguments: [former.number])
        try database.execute(sql: "DELETE FROM document WHERE number = ?", arguments: [former.number])
        return true
    }

    private static func removeFile(_ name: String, of base: BaseRecord, _ database: Database) throws -> [String] {
        let ids = try String.fetchAll(
            database, sql: "SELECT id FROM file WHERE base = ? AND name = ?", arguments: [base.number, name])
        try database.execute(sql: "DELETE FROM file WHERE base = ? AND name = ?", arguments: [base.number, name])
        return ids
    }

    private static func insert(
        _ document: NewDocument, _ base: BaseRecord, version: Int, _ database: Database
    ) throws -> DocumentRecord {
        try database.execute(
            sql: """
                INSERT INTO document (
                    base, name, version, type, bytes, chunks, added, metadata, hash, splitting, likeness, marks, text
                ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                base.number, document.name, version, document.type, document.bytes, document.chunks.count,
                document.added, document.metadata, document.hash, document.splitting, Data(document.likeness),
                document.marks, document.text,
            ])
        return DocumentRecord(
            number: database.lastInsertedRowID, name: document.name, version: version, type: document.type,
            bytes: document.bytes, chunks: document.chunks.count, added: document.added, metadata: document.metadata,
            hash: document.hash, splitting: document.splitting)
    }

    /// - Returns: the number of the first one: the others follow it.
    private static func insert(
        _ chunks: [NewDocument.Chunk], of document: Int64, _ space: SpaceRecord, _ database: Database
    ) throws -> Int64 {
        let statement = try database.cachedStatement(
            sql: "INSERT INTO chunk (document, low, high, key, marks, text) VALUES (?, ?, ?, ?, ?, ?)")
        let vector = try database.cachedStatement(sql: "INSERT INTO vector (space, chunk, value) VALUES (?, ?, ?)")
        var first: Int64 = 0
        for chunk in chunks {
            guard chunk.vector.count == space.dimensions else { throw wrongLength(chunk.vector, space) }
            try statement.execute(arguments: [
                document, chunk.range.lowerBound, chunk.range.upperBound, Data(chunk.key), chunk.marks, chunk.text,
            ])
            let number = database.lastInsertedRowID
            if first == 0 { first = number }
            try vector.execute(arguments: [space.number, number, VectorBlob.data(chunk.vector)])
        }
        return first
    }
}
