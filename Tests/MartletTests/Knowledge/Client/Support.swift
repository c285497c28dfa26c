import Foundation
import Synchronization

@testable import Martlet

/// What a command said.
final class Said: Sendable {
    private let state = Mutex((result: "", remarks: ""))
    private let (pieces, told) = AsyncStream.makeStream(of: String.self)

    var result: String { state.withLock(\.result) }
    var remarks: String { state.withLock(\.remarks) }

    func output(columns: Int? = nil) -> ToolOutput {
        ToolOutput(
            columns: columns,
            result: { [self] text in
                state.withLock { $0.result += text }
                told.yield(text)
            },
            other: { [self] text in state.withLock { $0.remarks += text } })
    }

    /// Returns when a result says `words`.
    func hear(_ words: String) async {
        for await piece in pieces where piece.contains(words) { return }
    }
}

/// A folder that is gone with the test.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/martlet-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        let url = URL(fileURLWithPath: path + "/" + name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path + "/" + name) }
}
