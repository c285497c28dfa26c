import GRDB

/// How knowledge lies in the file.
enum KnowledgeSchema {
    static let version = 1

    /// Makes the tables where there are none.
    static func prepare(_ database: Database) throws {
        switch try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0 {
        case version: return
        case 0: try database.execute(sql: tables + "PRAGMA user_version = \(version);")
        case let other:
            throw KnowledgeStoreError.failed("it is of version \(other), and this Martlet knows \(version)")
        }
    }

    /// AUTOINCREMENT: no number is ever used again. The long columns come last, so that nobody reads past them.
    private static let tables = """
        CREATE TABLE clock (epoch INTEGER NOT NULL);
        INSERT INTO clock VALUES (0);
        CREATE TABLE base (
            number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL,
            created REAL NOT NULL, epoch INTEGER NOT NULL, space INTEGER NOT NULL, next_space INTEGER
        );
        CREATE TABLE space (
            number INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, version TEXT NOT NULL,
            dimensions INTEGER NOT NULL
        );
        CREATE TABLE document (
            number INTEGER PRIMARY KEY AUTOINCREMENT, base INTEGER NOT NULL REFERENCES base ON DELETE CASCADE,
            name TEXT NOT NULL, version INTEGER NOT NULL, type TEXT NOT NULL, bytes INTEGER NOT NULL,
            chunks INTEGER NOT NULL, added REAL NOT NULL, metadata TEXT NOT NULL, hash TEXT NOT NULL,
            splitting TEXT NOT NULL, likeness BLOB NOT NULL, marks TEXT NOT NULL, text TEXT NOT NULL,
            UNIQUE (base, name)
        );
        CREATE INDEX document_base ON document (base);
        CREATE TABLE chunk (
            number INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL REFERENCES document ON DELETE CASCADE,
            low INTEGER NOT NULL, high INTEGER NOT NULL, key BLOB NOT NULL, marks TEXT NOT NULL, text TEXT NOT NULL
        );
        CREATE INDEX chunk_document ON chunk (document);
        CREATE INDEX chunk_key ON chunk (key);
        CREATE TABLE vector (
            space INTEGER NOT NULL REFERENCES space ON DELETE CASCADE,
            chunk INTEGER NOT NULL REFERENCES chunk ON DELETE CASCADE, value BLOB NOT NULL, UNIQUE (chunk, space)
        );
        CREATE INDEX vector_space ON vector (space);
        CREATE TABLE file (
            base INTEGER NOT NULL REFERENCES base ON DELETE CASCADE, name TEXT NOT NULL, id TEXT NOT NULL UNIQUE,
            type TEXT NOT NULL, bytes INTEGER NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (base, name)
        );

        """
}

extension SpaceRecord {
    static let columns = "number, model, version, dimensions"

    init(_ row: Row) {
        self.init(number: row[0], model: row[1], version: row[2], dimensions: row[3])
    }

    static func find(_ number: Int64, _ database: Database) throws -> SpaceRecord? {
        let statement = try database.cachedStatement(sql: "SELECT \(columns) FROM space WHERE number = ?")
        return try Row.fetchOne(statement, arguments: [number]).map { SpaceRecord($0) }
    }
}

extension DocumentRecord {
    static let columns = "number, name, version, type, bytes, chunks, added, metadata, hash, splitting"

    init(_ row: Row) {
        self.init(
            number: row[0], name: row[1], version: row[2], type: row[3], bytes: row[4], chunks: row[5], added: row[6],
            metadata: row[7], hash: row[8], splitting: row[9])
    }
}

extension ChunkRecord {
    static let query = """
        SELECT chunk.number, document, name, version, metadata, chunk.text, low, high, chunk.marks
        FROM chunk JOIN document ON document.number = document
        """

    init(_ row: Row) throws {
        let (low, high): (Int, Int) = (row[6], row[7])
        guard low <= high else { throw KnowledgeStoreError.damaged("a chunk ends before it begins") }
        self.init(
            number: row[0], document: row[1], name: row[2], version: row[3], metadata: row[4], text: row[5],
            range: low..<high, marks: row[8])
    }
}
