import Dispatch
import GRDB
import Glibc
import Synchronization

/// What became of tasks, in a file that can be searched: SQLite, through GRDB.
///
/// A memory, not the truth: the latest moments before a loss of power may be missing, and a file that is damaged is
/// moved aside and begun anew. Whoever writes waits on a queue of its own, whoever searches on another: neither holds
/// the other up.
package final class HistoryFile: Sendable {
    /// What opening found.
    package struct Opening: Sendable {
        package var file: HistoryFile
        /// The latest tasks, in the order of their numbers.
        package var latest: [HistoryTask]
        /// The highest number; 0: there is none.
        package var last: UInt64
        /// Why the file that was there was moved aside; nil: it was not.
        package var damage: String?
    }

    /// Added to the name of a file that is moved aside. There is one at most: disks end.
    package static let asideSuffix = ".damaged"
    /// Searches that run at a time; the next ones wait.
    private static let searches = 2

    package let path: String
    /// Given back when it is closed.
    private let lock: Mutex<FileLock?>
    private let pool: DatabasePool
    private let queue: DispatchQueue
    private let tasks: Mutex<Int>

    /// How many tasks are in it.
    package var count: Int { tasks.withLock { $0 } }

    private init(_ path: String, _ lock: FileLock, _ pool: DatabasePool, _ queue: DispatchQueue, count: Int) {
        self.path = path
        self.lock = Mutex(lock)
        self.pool = pool
        self.queue = queue
        tasks = Mutex(count)
    }

    // MARK: Opening

    /// Opens the file, or makes it, its folder included; moves one aside that is damaged.
    ///
    /// - Parameters:
    ///   - latest: How many tasks are read at once.
    ///   - maximumPages: How far the file may grow, for tests; nil: as far as the disk lets it.
    package static func open(
        _ path: String, latest: Int, maximumPages: Int? = nil
    ) async throws(HistoryError) -> Opening {
        let queue = DispatchQueue(label: "martlet.history", qos: .utility)
        return try await HistoryError.run(on: queue) { () throws(HistoryError) in
            try makeFolder(of: path)
            let lock: FileLock?
            do { lock = try FileLock.take(path + ".lock") } catch { throw HistoryError.failed("\(error)") }
            guard let lock else { throw HistoryError.inUse }
            do throws(HistoryError) {
                return try open(path, latest, maximumPages, lock, queue)
            } catch {
                guard case .damaged(let reason) = error else { throw error }
                try moveAside(path)
                var opening = try open(path, latest, maximumPages, lock, queue)
                opening.damage = reason
                return opening
            }
        }
    }

    private static func open(
        _ path: String, _ latest: Int, _ maximumPages: Int?, _ lock: FileLock, _ queue: DispatchQueue
    ) throws(HistoryError) -> Opening {
        try HistoryError.mapped { () throws(any Error) in
            var configuration = Configuration()
            configuration.maximumReaderCount = searches
            configuration.qos = .utility
            configuration.prepareDatabase { database in
                // What the log of changes takes after a search that held it up.
                try database.execute(sql: "PRAGMA journal_size_limit = 67108864")
                if let maximumPages { try database.execute(sql: "PRAGMA max_page_count = \(maximumPages)") }
            }
            let pool = try DatabasePool(path: path, configuration: configuration)
            guard try pool.write({ try HistorySchema.prepare($0) }) else {
                try pool.close()
                throw HistoryError.damaged("it holds something else, or is of another version of Martlet")
            }
            return try pool.read { database in
                let sql = "SELECT \(HistorySchema.allColumns) FROM task ORDER BY number DESC LIMIT ?"
                let tasks = try Row.fetchAll(database, sql: sql, arguments: [latest]).compactMap { HistoryTask($0) }
                let last = try UInt64.fetchOne(database, sql: "SELECT max(number) FROM task") ?? 0
                let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM task") ?? 0
                let file = HistoryFile(path, lock, pool, queue, count: count)
                return Opening(file: file, latest: tasks.reversed(), last: last, damage: nil)
            }
        }
    }

    /// Whatever is in it may be read by its owner only: tasks have arguments.
    private static func makeFolder(of path: String) throws(HistoryError) {
        var folder = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
            folder += part + "/"
            // SAFETY: the path lives through the call.
            guard unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST || errno == EISDIR || errno == EROFS else {
                throw .failed("\(FilesError("make folder", folder, errno))")
            }
        }
        // SAFETY: as above. SQLite gives the files beside it the same permissions.
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw errno == ENOSPC || errno == EDQUOT
                ? .full("\(FilesError("create", path, errno))") : .failed("\(FilesError("create", path, errno))")
        }
        _ = Glibc.close(descriptor)
    }

    private static func moveAside(_ path: String) throws(HistoryError) {
        for suffix in ["", "-wal"] {
            // SAFETY: the paths live through the call.
            guard unsafe rename(path + suffix, path + asideSuffix + suffix) == 0 || errno == ENOENT else {
                throw .failed("\(FilesError("move aside", path + suffix, errno))")
            }
        }
        // SAFETY: as above. It is made anew from the others.
        unsafe unlink(path + "-shm")
        try makeFolder(of: path)
    }

    // MARK: Writing

    /// Keeps tasks, all of them or none: whatever is known of one under its number gives way.
    ///
    /// - Parameter merging: One that was known under another number, and what is known of it now: makes one of both.
    /// - Returns: those that were known under other numbers, as they were.
    package func keep(
        _ tasks: [HistoryTask],
        merging: @escaping @Sendable (_ older: HistoryTask, _ newer: HistoryTask) -> HistoryTask
    ) async throws(HistoryError) -> [HistoryTask] {
        try await change { database in
            let statement = try database.cachedStatement(sql: HistorySchema.keep)
            var older: [HistoryTask] = []
            var added = 0
            for task in tasks {
                var task = task
                switch try Self.number(of: task.id, database) {
                case nil: added += 1
                case Int64(clamping: task.number): break
                default:
                    // The other one goes: ids are there once.
                    guard let former = try Self.task(task.id, database) else { break }
                    older.append(former)
                    task = merging(former, task)
                }
                try statement.execute(arguments: task.values)
            }
            return (older, added)
        }
    }

    /// Forgets a few of the oldest: those whose state is older than a time, and those beyond a count.
    ///
    /// - Returns: how many went.
    package func prune(before time: Double, keeping limit: Int, atMost step: Int) async throws(HistoryError) -> Int {
        let excess = min(step, max(0, count - limit))
        return try await change { database in
            try database.execute(
                sql: """
                    DELETE FROM task WHERE number IN (SELECT number FROM task WHERE since < ? ORDER BY since LIMIT ?)
                    """,
                arguments: [time, step])
            var gone = database.changesCount
            let rest = min(excess - gone, step - gone)
            if rest > 0 {
                try database.execute(
                    sql: "DELETE FROM task WHERE number IN (SELECT number FROM task ORDER BY number LIMIT ?)",
                    arguments: [rest])
                gone += database.changesCount
            }
            return (gone, -gone)
        }
    }

    /// Ends what is under way and closes. Nothing is to be asked any more.
    ///
    /// - Parameter movingAside: It turned out to be damaged: the next one begins anew.
    package func close(movingAside: Bool = false) async {
        try? await HistoryError.run(on: queue) { () throws(HistoryError) in
            try? self.pool.close()
            defer { self.lock.withLock { $0 = nil } }
            if movingAside { try Self.moveAside(self.path) }
        }
    }

    /// One transaction, and how many tasks it added.
    private func change<Result: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> (Result, added: Int)
    ) async throws(HistoryError) -> Result {
        try await HistoryError.run(on: queue) { () throws(HistoryError) in
            let (result, added) = try HistoryError.mapped { () throws(any Error) in try self.pool.write(body) }
            self.tasks.withLock { $0 += added }
            return result
        }
    }

    private static func number(of id: String, _ database: Database) throws -> Int64? {
        let statement = try database.cachedStatement(sql: "SELECT number FROM task WHERE id = ?")
        return try Int64.fetchOne(statement, arguments: [id])
    }

    // MARK: Reading

    package func task(_ id: String) async throws -> HistoryTask? {
        try await reading { try Self.task(id, $0) }
    }

    /// What fits, the latest first.
    ///
    /// - Parameter time: For so long it looks; what it found by then is a page, too.
    /// - Throws: `CancellationError` as well.
    package func search(_ query: HistoryQuery, within time: Duration = .seconds(1)) async throws -> HistoryPage {
        let search = HistorySearch(query, time: time)
        return try await reading { try search.run($0) }
    }

    private static func task(_ id: String, _ database: Database) throws -> HistoryTask? {
        let sql = "SELECT \(HistorySchema.allColumns) FROM task WHERE id = ?"
        return try Row.fetchOne(try database.cachedStatement(sql: sql), arguments: [id]).flatMap { HistoryTask($0) }
    }

    private func reading<Result: Sendable>(_ body: @Sendable (Database) throws -> Result) async throws -> Result {
        do {
            return try await pool.read(body)
        } catch let error as DatabaseError {
            throw HistoryError(error)
        }
    }
}
