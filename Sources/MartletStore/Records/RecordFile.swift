import Foundation
import GRDB

/// Records by key that outlive the process: SQLite, through GRDB. For few and small ones that are read at the start and
/// then only written.
package final class RecordFile: Sendable {
    private let queue: DatabaseQueue

    /// Opens the file, or makes it; its folder is there. What was written is on the disk when `write` returns.
    ///
    /// - Throws: GRDB's errors.
    package init(_ path: String) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        }
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.write { database in
            try database.execute(
                sql: "CREATE TABLE IF NOT EXISTS record (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
        }
    }

    /// All of them, by key.
    package func all() async throws -> [String: [UInt8]] {
        try await queue.read { database in
            var records: [String: [UInt8]] = [:]
            let rows = try Row.fetchCursor(database, sql: "SELECT key, value FROM record")
            while let row = try rows.next() {
                guard let key = String.fromDatabaseValue(row[0]), let value = Data.fromDatabaseValue(row[1]) else {
                    continue
                }
                records[key] = Array(value)
            }
            return records
        }
    }

    /// In one step; nil removes.
    package func write(_ changes: [String: [UInt8]?]) async throws {
        try await queue.write { database in
            for (key, value) in changes {
                if let value {
                    try database.execute(
                        sql: "INSERT OR REPLACE INTO record (key, value) VALUES (?, ?)", arguments: [key, Data(value)])
                } else {
                    try database.execute(sql: "DELETE FROM record WHERE key = ?", arguments: [key])
                }
            }
        }
    }
}
