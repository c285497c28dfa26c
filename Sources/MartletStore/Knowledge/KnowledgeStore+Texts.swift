import Foundation
import GRDB

// Texts and files, which may be large.
extension KnowledgeStore {
    /// The text of a document in that version, and its marks.
    package func text(
        of document: String, version: Int, in name: String
    ) async throws -> (text: String, marks: String) {
        try await reading { database in
            let base = try Self.base(name, database)
            let row = try Row.fetchOne(
                database, sql: "SELECT text, marks FROM document WHERE base = ? AND name = ? AND version = ?",
                arguments: [base.number, document, version])
            guard let row else { throw KnowledgeStoreError.noDocument(document) }
            return (text: row[0], marks: row[1])
        }
    }

    /// Parts of a document's text in that version, and one of its marks: the rest of both stays where it is.
    ///
    /// - Parameters:
    ///   - ranges: In Unicode scalars.
    ///   - mark: As SQLite's JSON functions name it: `$.title`.
    /// - Returns: the text of each range, nil where the text ends before it does; the mark, nil where there is none.
    package func excerpts(
        of document: String, version: Int, in name: String, at ranges: [Range<Int>], mark: String
    ) async throws -> (texts: [String?], mark: String?) {
        try await reading { database in
            let base = try Self.base(name, database)
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT CAST(text AS BLOB), json_extract(marks, ?) FROM document
                    WHERE base = ? AND name = ? AND version = ?
                    """,
                arguments: [mark, base.number, document, version])
            guard let row = try rows.next() else { throw KnowledgeStoreError.noDocument(document) }
            let texts = try row.withUnsafeData(atIndex: 0) { TextParts.parts(of: $0 ?? Data(), at: ranges) }
            return (texts, row[1])
        }
    }

    /// Names of all files of a base, in order.
    package func files(in name: String) async throws -> [String] {
        try await reading { database in
            let base = try Self.base(name, database)
            return try String.fetchAll(
                database, sql: "SELECT name FROM file WHERE base = ? ORDER BY name", arguments: [base.number])
        }
    }

    package func file(_ document: String, in name: String) async throws -> FileRecord? {
        try await reading { database in
            let base = try Self.base(name, database)
            let row = try Row.fetchOne(
                database, sql: "SELECT id, name, type, bytes FROM file WHERE base = ? AND name = ?",
                arguments: [base.number, document])
            return row.map { FileRecord(path: self.files.path($0[0]), name: $0[1], type: $0[2], bytes: $0[3]) }
        }
    }
}
