import GRDB
import Glibc

/// What lies beside bases and documents in a store's folder, in files of its own: a backup has it too.
package enum KnowledgeSidecars {
    /// `SessionFile`.
    package static let sessions = "sessions.sqlite"
    /// `RecordFile`: files and vector stores as OpenAI's API has them.
    package static let shelf = "shelf.sqlite"
    /// A folder: the shelf's files.
    package static let shelfFiles = "shelf"

    private static let databases = [sessions, shelf]
    private static let pieceBytes = 1 << 20

    /// Copies all of it that there is. The databases first: a file that they do not know is nobody's.
    static func copy(_ store: String, to folder: String) throws {
        let place = try SystemFiles(folder: folder)
        for name in try present(in: store) {
            // What people said is for its owner only; SQLite fills in an empty file as it is.
            try place.create(name).sync()
            let database = try DatabaseQueue(path: store + "/" + name)
            defer { try? database.close() }
            try database.writeWithoutTransaction { database in
                try database.execute(sql: "VACUUM INTO ?", arguments: [folder + "/" + name])
            }
            try place.sync(name)
        }
        guard try SystemFiles(folder: store).list().contains(shelfFiles) else { return }
        let files = try SystemFiles(folder: store + "/" + shelfFiles)
        let copies = try SystemFiles(folder: folder + "/" + shelfFiles)
        for name in try files.list() { try copy(try files.read(name), to: try copies.create(name)) }
        try copies.syncFolder()
    }

    /// What is wrong in the databases, in sentences; empty: nothing.
    static func flaws(in folder: String) throws -> [String] {
        try present(in: folder).flatMap { name in
            let database = try DatabaseQueue(path: folder + "/" + name)
            defer { try? database.close() }
            return try database.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
                .filter { $0 != "ok" }.map { "\(name): \($0)" }
        }
    }

    private static func present(in folder: String) throws -> [String] {
        let names = try SystemFiles(folder: folder).list()
        return databases.filter { names.contains($0) }
    }

    private static func copy(_ file: any ReadableFile, to copy: any WritableFile) throws {
        var place = 0
        while true {
            let piece = try file.read(at: place, count: pieceBytes)
            guard !piece.isEmpty else { break }
            try copy.write(piece)
            place += piece.count
        }
        try copy.sync()
    }
}
