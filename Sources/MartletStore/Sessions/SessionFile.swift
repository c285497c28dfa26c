import GRDB
import Glibc

/// Conversations in a file: SQLite, through GRDB.
///
/// Several processes of one machine may have it open. A conversation is forgotten at the latest when it is asked for
/// after its time.
package final class SessionFile: SessionStore {
    private let pool: DatabasePool
    private let limits: SessionLimits
    private let now: @Sendable () -> Double

    /// Opens the file, or makes it; its folder must be there.
    ///
    /// - Parameter now: Seconds since 1970: what is in the file outlives this machine's clocks.
    /// - Throws: `SessionError`.
    package init(
        _ path: String, _ limits: SessionLimits = SessionLimits(), now: @escaping @Sendable () -> Double
    ) throws {
        (self.limits, self.now) = (limits, now)
        // What people say is for its owner only. SQLite gives the files beside it the same permissions.
        // SAFETY: the path lives through the call.
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SessionError("\(FilesError("open", path, errno))") }
        _ = Glibc.close(descriptor)
        do {
            var configuration = Configuration()
            configuration.maximumReaderCount = 2
            configuration.busyMode = .timeout(5)
            pool = try DatabasePool(path: path, configuration: configuration)
            try pool.write { try Self.prepare($0) }
        } catch {
            throw SessionError("\(error)")
        }
    }

    private static let version = 1

    private static func prepare(_ database: Database) throws {
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard found != version else { return }
        guard found == 0, try database.tableExists("session") == false else {
            throw SessionError("The file of sessions holds something else, or is of another version of Martlet.")
        }
        try database.execute(
            sql: """
                CREATE TABLE session (name TEXT PRIMARY KEY, used REAL NOT NULL, next INTEGER NOT NULL) WITHOUT ROWID;
                CREATE INDEX session_used ON session (used);
                CREATE TABLE turn (
                    session TEXT NOT NULL REFERENCES session ON DELETE CASCADE, number INTEGER NOT NULL,
                    speaker TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (session, number)
                ) WITHOUT ROWID;
                PRAGMA user_version = \(version);
                """)
    }

    package func turns(of session: String) async throws -> [SessionTurn] {
        let earliest = now() - limits.age
        return try await mapped {
            try await self.pool.read { database in
                let sql = """
                    SELECT speaker, text FROM turn JOIN session ON name = session
                    WHERE session = ? AND used >= ? ORDER BY number
                    """
                let statement = try database.cachedStatement(sql: sql)
                return try Row.fetchAll(statement, arguments: [session, earliest]).compactMap { row in
                    guard let speaker = String.fromDatabaseValue(row[0]), let text = String.fromDatabaseValue(row[1])
                    else { return nil }
                    return SessionTurn(speaker: speaker, text: text)
                }
            }
        }
    }

    package func append(_ turns: [SessionTurn], to session: String) async throws {
        let (now, limits) = (now(), limits)
        try await mapped {
            try await self.pool.write { database in
                // What was forgotten is not remembered again by the next word.
                try database.execute(
                    sql: "DELETE FROM session WHERE name = ? AND used < ?", arguments: [session, now - limits.age])
                try database.execute(
                    sql: """
                        INSERT INTO session (name, used, next) VALUES (?, ?, ?)
                        ON CONFLICT (name) DO UPDATE SET used = max(used, excluded.used), next = next + excluded.next
                        """,
                    arguments: [session, now, turns.count])
                let next = try Int.fetchOne(
                    database, sql: "SELECT next FROM session WHERE name = ?", arguments: [session]) ?? turns.count
                for (offset, turn) in turns.enumerated() {
                    try database.execute(
                        sql: "INSERT INTO turn (session, number, speaker, text) VALUES (?, ?, ?, ?)",
                        arguments: [
                            session, next - turns.count + offset, turn.speaker, turn.cut(to: limits.turnBytes).text,
                        ])
                }
                try database.execute(
                    sql: "DELETE FROM turn WHERE session = ? AND number < ?", arguments: [session, next - limits.turns])
            }
        }
    }

    package func remove(_ session: String) async throws {
        try await mapped {
            try await self.pool.write { database in
                try database.execute(sql: "DELETE FROM session WHERE name = ?", arguments: [session])
            }
        }
    }

    package func prune() async throws -> Int {
        let (earliest, limits) = (now() - limits.age, limits)
        return try await mapped {
            try await self.pool.write { database in
                let oldest = "DELETE FROM session WHERE name IN (SELECT name FROM session"
                try database.execute(
                    sql: oldest + " WHERE used < ? ORDER BY used LIMIT ?)", arguments: [earliest, limits.pruneStep])
                let late = database.changesCount
                let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM session") ?? 0
                let excess = min(count - limits.sessions, limits.pruneStep - late)
                guard excess > 0 else { return late }
                try database.execute(sql: oldest + " ORDER BY used LIMIT ?)", arguments: [excess])
                return late + excess
            }
        }
    }

    /// Nothing is to be asked any more.
    package func close() { try? pool.close() }

    private func mapped<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as DatabaseError {
            throw SessionError(error.message ?? "\(error.resultCode)")
        }
    }
}

/// Why what was said could not be kept or read.
package struct SessionError: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ reason: String) { description = reason }
}
