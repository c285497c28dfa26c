import Foundation
import MartletStore
import Testing

/// A folder with a history, for the length of a test.
struct HistoryFolder: Sendable {
    let folder: URL
    var url: URL { folder.appending(path: "deep/history.sqlite") }

    static func run(_ body: (HistoryFolder) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-history-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder.appending(path: "deep"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(HistoryFolder(folder: folder))
    }

    func open(maximumPages: Int? = nil) async throws -> HistoryFile.Opening {
        try await HistoryFile.open(url.path, latest: 1000, maximumPages: maximumPages)
    }

    /// The files as they are at this moment.
    func copied() throws -> HistoryFolder {
        let copy = HistoryFolder(folder: folder.appending(path: "copy"))
        try FileManager.default.createDirectory(
            at: copy.url.deletingLastPathComponent(), withIntermediateDirectories: true)
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: url.path + suffix) {
            try FileManager.default.copyItem(atPath: url.path + suffix, toPath: copy.url.path + suffix)
        }
        return copy
    }

    /// All of a closed file is in the file itself; the log that is left beside it would mend damage.
    func removeLog() throws { try FileManager.default.removeItem(atPath: url.path + "-wal") }

    func task(_ number: Int, _ id: String, _ state: String = "SUCCESS", since: Double = 100) -> HistoryTask {
        HistoryTask(number: UInt64(number), id: id, state: state, since: since)
    }

    /// For tasks that are heard of for the first time.
    static let never: @Sendable (HistoryTask, HistoryTask) -> HistoryTask = { older, newer in
        Issue.record("\(older.id) was there before")
        return newer
    }
}
