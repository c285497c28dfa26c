import Dispatch
import GRDB
import Synchronization

/// Documents, their chunks and vectors on disk: SQLite, through GRDB, and the uploaded files beside it.
///
/// The truth: what a call has returned for survives a loss of power. Changes come one after the other on a queue of
/// their own, each of them a transaction; readers see the state before or after it and hold nobody up. One process has
/// the folder.
///
/// Every call throws a `KnowledgeStoreError`, those that read a `CancellationError` as well.
package final class KnowledgeStore: Sendable {
    /// Where a process may end, for tests that let it.
    package enum Step: Sendable, Equatable {
        case fileKept, begun, removedOld, documentWritten, chunksWritten, beforeCommit, committed, filesRemoved
    }

    private static let readers = 4

    package let folder: String
    let files: KnowledgeFiles
    let pool: DatabasePool
    let step: @Sendable (Step) -> Void
    private let queue: DispatchQueue
    /// Given back when it is closed.
    private let lock: Mutex<FileLock?>

    private init(
        _ folder: String, _ lock: FileLock, _ pool: DatabasePool, _ files: KnowledgeFiles, _ queue: DispatchQueue,
        _ step: @escaping @Sendable (Step) -> Void
    ) {
        self.folder = folder
        self.lock = Mutex(lock)
        self.pool = pool
        self.files = files
        self.queue = queue
        self.step = step
    }

    // MARK: Opening

    /// Opens a folder, or makes it; its parent has to be there.
    ///
    /// - Parameter step: Called at each boundary of a change, on the queue of changes.
    package static func open(
        _ folder: String, step: @escaping @Sendable (Step) -> Void = { _ in }
    ) async throws(KnowledgeStoreError) -> KnowledgeStore {
        let queue = DispatchQueue(label: "martlet.knowledge", qos: .utility)
        return try await KnowledgeStoreError.run(on: queue) { () throws(KnowledgeStoreError) in
            try KnowledgeStoreError.mapped {
                // Makes the folder.
                _ = try SystemFiles(folder: folder)
                if let kind = try NetworkFileSystem.kind(at: folder) {
                    throw KnowledgeStoreError.network(
                        "\(folder) is on \(kind), where databases get damaged: use a disk of this machine")
                }
                guard let lock = try FileLock.take(folder + "/lock") else { throw KnowledgeStoreError.inUse }
                let files = try KnowledgeFiles(folder: folder + "/files")
                let pool = try DatabasePool(path: folder + "/" + databaseName, configuration: configuration)
                do {
                    try pool.write { try KnowledgeSchema.prepare($0) }
                    let known = try pool.read { try String.fetchSet($0, sql: "SELECT id FROM file") }
                    try files.removeAll(but: known)
                } catch {
                    try? pool.close()
                    throw error
                }
                return KnowledgeStore(folder, lock, pool, files, queue, step)
            }
        }
    }

    static let databaseName = "knowledge.sqlite"

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.maximumReaderCount = readers
        configuration.prepareDatabase { database in
            // A commit is on disk before it is told.
            try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864")
        }
        return configuration
    }

    /// Ends what is under way and closes. Nothing is to be asked any more.
    package func close() async {
        try? await KnowledgeStoreError.run(on: queue) { () throws(KnowledgeStoreError) in
            try? self.pool.close()
            self.lock.withLock { $0 = nil }
        }
    }

    // MARK: Changing and reading

    /// One transaction, and what follows of it before the next change begins.
    ///
    /// - Parameters:
    ///   - body: The change, and the files that nobody knows once it is made.
    ///   - committed: Called when it is made.
    func change<Result: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> (Result, files: [String]),
        committed: @escaping @Sendable (Result) throws(KnowledgeStoreError) -> Void = { _ in }
    ) async throws(KnowledgeStoreError) -> Result {
        try await KnowledgeStoreError.run(on: queue) { () throws(KnowledgeStoreError) in
            let (result, gone) = try KnowledgeStoreError.mapped {
                try self.pool.write { database in
                    self.step(.begun)
                    let outcome = try body(database)
                    self.step(.beforeCommit)
                    return outcome
                }
            }
            self.step(.committed)
            try committed(result)
            for id in gone { self.files.remove(id) }
            self.step(.filesRemoved)
            return result
        }
    }

    /// Work that no change comes between: all that are durable have been told, and the next one waits.
    package func alone<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws(KnowledgeStoreError) -> Result {
        try await KnowledgeStoreError.run(on: queue) { () throws(KnowledgeStoreError) in
            try KnowledgeStoreError.mapped(body)
        }
    }

    /// One state, however long it is read.
    func reading<Result: Sendable>(_ body: @Sendable (Database) throws -> Result) async throws -> Result {
        do {
            return try await pool.read(body)
        } catch let error as DatabaseError {
            throw KnowledgeStoreError(error)
        }
    }

    /// Keeps a copy of a file for a document to come. Without one it is gone with the next opening.
    package func keep(fileAt path: String) async throws(KnowledgeStoreError) -> SpooledFile {
        // Not on the queue of changes: files may be large.
        let file = try await KnowledgeStoreError.run(on: .global(qos: .utility)) { () throws(KnowledgeStoreError) in
            try KnowledgeStoreError.mapped { try self.files.take(path) }
        }
        step(.fileKept)
        return file
    }

    /// For a document that did not come to be.
    package func drop(_ file: SpooledFile) { files.remove(file.id) }
}
