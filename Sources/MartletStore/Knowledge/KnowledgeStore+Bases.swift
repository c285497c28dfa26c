import GRDB

extension KnowledgeStore {
    package func bases() async throws -> [BaseRecord] {
        try await reading { database in
            try Row.fetchAll(database, sql: BaseRecord.query + " ORDER BY name").map { try BaseRecord($0, database) }
        }
    }

    package func base(_ name: String) async throws -> BaseRecord {
        try await reading { try Self.base(name, $0) }
    }

    /// - Parameter committed: Called once it is durable, before the next change.
    package func createBase(
        _ name: String, description: String, created: Double, model: String, version: String, dimensions: Int,
        committed: @escaping @Sendable (BaseRecord) -> Void = { _ in }
    ) async throws(KnowledgeStoreError) -> BaseRecord {
        try await change(
            { database in
                let isThere = try Bool.fetchOne(database, sql: "SELECT 1 FROM base WHERE name = ?", arguments: [name])
                guard isThere == nil else { throw KnowledgeStoreError.baseExists(name) }
                let space = try Self.addSpace(model, version, dimensions, database)
                try database.execute(
                    sql: "INSERT INTO base (name, description, created, epoch, space) VALUES (?, ?, ?, ?, ?)",
                    arguments: [name, description, created, try Self.nextEpoch(database), space.number])
                return (try Self.base(name, database), files: [])
            }, committed: committed)
    }

    /// Changes nothing that is searched.
    package func describeBase(_ name: String, as description: String) async throws(KnowledgeStoreError) {
        try await change { database in
            let base = try Self.base(name, database)
            try database.execute(
                sql: "UPDATE base SET description = ? WHERE number = ?", arguments: [description, base.number])
            return ((), files: [])
        }
    }

    package func removeBase(
        _ name: String, committed: @escaping @Sendable (BaseRecord) -> Void
    ) async throws(KnowledgeStoreError) {
        _ = try await change(
            { database in
                let base = try Self.base(name, database)
                let files = try String.fetchAll(
                    database, sql: "SELECT id FROM file WHERE base = ?", arguments: [base.number])
                try database.execute(sql: "DELETE FROM base WHERE number = ?", arguments: [base.number])
                for space in [base.space, base.nextSpace].compactMap(\.self) { try Self.remove(space, database) }
                return (base, files)
            }, committed: committed)
    }

    // MARK: Another model

    /// Begins vectors of another model beside those that are searched; those that were begun before for yet another one
    /// go.
    package func beginSpace(
        in name: String, model: String, version: String, dimensions: Int
    ) async throws(KnowledgeStoreError) -> SpaceRecord {
        try await change { database in
            let base = try Self.base(name, database)
            if let begun = base.nextSpace {
                if (begun.model, begun.version, begun.dimensions) == (model, version, dimensions) {
                    return (begun, files: [])
                }
                try Self.remove(begun, database)
            }
            let space = try Self.addSpace(model, version, dimensions, database)
            try database.execute(
                sql: "UPDATE base SET next_space = ? WHERE number = ?", arguments: [space.number, base.number])
            return (space, files: [])
        }
    }

    /// Those of the chunks after a number that have no vector there yet, the lowest numbers first.
    package func chunks(
        without space: SpaceRecord, in name: String, after number: Int64, atMost count: Int
    ) async throws -> [ChunkRecord] {
        try await reading { database in
            let base = try Self.base(name, database)
            return try Row.fetchAll(
                database, sql: ChunkRecord.query + Self.lacking + " AND chunk.number > ? ORDER BY chunk.number LIMIT ?",
                arguments: [base.number, space.number, number, count]
            ).map { try ChunkRecord($0) }
        }
    }

    /// How many chunks have no vector there yet.
    package func count(without space: SpaceRecord, in name: String) async throws -> Int {
        try await reading { database in
            let base = try Self.base(name, database)
            let sql = "SELECT count(*) FROM chunk JOIN document ON document.number = document" + Self.lacking
            return try Int.fetchOne(database, sql: sql, arguments: [base.number, space.number]) ?? 0
        }
    }

    /// Adds vectors, of chunks that are still there.
    package func add(
        _ vectors: [(chunk: Int64, vector: [Float])], to space: SpaceRecord
    ) async throws(KnowledgeStoreError) {
        try await change { database in
            try Self.add(vectors, to: space, database)
            return ((), files: [])
        }
    }

    static func add(
        _ vectors: [(chunk: Int64, vector: [Float])], to space: SpaceRecord, _ database: Database
    ) throws {
        let statement = try database.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO vector (space, chunk, value)
                SELECT space.number, chunk.number, ? FROM space, chunk WHERE space.number = ? AND chunk.number = ?
                """)
        for (chunk, vector) in vectors {
            guard vector.count == space.dimensions else { throw wrongLength(vector, space) }
            try statement.execute(arguments: [VectorBlob.data(vector), space.number, chunk])
        }
    }

    /// From now on the vectors that were made ready are searched, if each chunk has one; those before are gone.
    ///
    /// - Returns: false: some are lacking.
    package func switchSpace(
        of name: String, to space: SpaceRecord,
        committed: @escaping @Sendable (BaseRecord?) throws(KnowledgeStoreError) -> Void
    ) async throws(KnowledgeStoreError) -> Bool {
        try await change(
            { database in
                let base = try Self.base(name, database)
                guard base.nextSpace == space else { throw KnowledgeStoreError.wrongSpace("another model was begun") }
                let lacking = try Row.fetchOne(
                    database, sql: ChunkRecord.query + Self.lacking + " LIMIT 1",
                    arguments: [base.number, space.number])
                guard lacking == nil else { return (nil, files: []) }
                try database.execute(
                    sql: "UPDATE base SET space = ?, next_space = NULL, epoch = ? WHERE number = ?",
                    arguments: [space.number, try Self.nextEpoch(database), base.number])
                try Self.remove(base.space, database)
                return (try Self.base(name, database), files: [])
            }, committed: committed) != nil
    }

    /// The sign keeps SQLite from reading the documents first, which would have all their chunks sorted each time.
    private static let lacking = """
         WHERE +document.base = ?
        AND NOT EXISTS (SELECT 1 FROM vector WHERE vector.chunk = chunk.number AND vector.space = ?)
        """

    // MARK: Parts

    static func base(_ name: String, _ database: Database) throws -> BaseRecord {
        let statement = try database.cachedStatement(sql: BaseRecord.query + " WHERE name = ?")
        guard let row = try Row.fetchOne(statement, arguments: [name]) else { throw KnowledgeStoreError.noBase(name) }
        return try BaseRecord(row, database)
    }

    /// Of the whole store.
    static func nextEpoch(_ database: Database) throws -> Int {
        try database.execute(sql: "UPDATE clock SET epoch = epoch + 1")
        return try Int.fetchOne(database, sql: "SELECT epoch FROM clock") ?? 0
    }

    static func wrongLength(_ vector: [Float], _ space: SpaceRecord) -> KnowledgeStoreError {
        .wrongSpace("a vector of \(vector.count) numbers, where \(space.model) has \(space.dimensions)")
    }

    private static func addSpace(
        _ model: String, _ version: String, _ dimensions: Int, _ database: Database
    ) throws -> SpaceRecord {
        try database.execute(
            sql: "INSERT INTO space (model, version, dimensions) VALUES (?, ?, ?)",
            arguments: [model, version, dimensions])
        return SpaceRecord(
            number: database.lastInsertedRowID, model: model, version: version, dimensions: dimensions)
    }

    private static func remove(_ space: SpaceRecord, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM space WHERE number = ?", arguments: [space.number])
    }
}

extension BaseRecord {
    static let query = """
        SELECT number, name, description, created, epoch, space, next_space,
        (SELECT count(*) FROM document WHERE base = base.number),
        (SELECT coalesce(sum(chunks), 0) FROM document WHERE base = base.number),
        (SELECT coalesce(max(added), created) FROM document WHERE base = base.number)
        FROM base
        """

    init(_ row: Row, _ database: Database) throws {
        guard let space = try SpaceRecord.find(row[5], database) else {
            throw KnowledgeStoreError.damaged("a base has no space")
        }
        let next: Int64? = row[6]
        self.init(
            number: row[0], name: row[1], description: row[2], created: row[3], epoch: row[4], space: space,
            nextSpace: try next.flatMap { try SpaceRecord.find($0, database) }, documents: row[7], chunks: row[8],
            changed: row[9])
    }
}
