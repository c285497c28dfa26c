import Foundation
import Logging
import MartletBase
import MartletLogic
import MartletNet
import Synchronization

/// Keeps evidence from during the trouble: the whole of `/status` as a file, when four fifths of the descriptors that
/// may be used are.
final class CensusRecorder: Sendable {
    /// Files that are kept.
    private static let most = 10

    private let logger: Logger
    private let status: @Sendable () async throws -> String
    private let pace = Mutex(CensusPace())

    init(logger: Logger, status: @escaping @Sendable () async throws -> String) {
        self.logger = logger
        self.status = status
    }

    /// Writes one file, unless the last one is young.
    func record(in folder: String) async {
        guard pace.withLock({ $0.isDue(now: .current) }) else { return }
        do {
            let file = try Self.write(try await status(), to: URL(fileURLWithPath: folder))
            logger.warning("descriptors grow scarce", metadata: ["census": "\(file.path)"])
        } catch {
            pace.withLock { $0.failed(now: .current) }
            logger.warning("descriptors grow scarce; no census was written", metadata: ["error": "\(error)"])
        }
    }

    private static func write(_ text: String, to folder: URL) throws -> URL {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let time = Date.now.formatted(.iso8601.timeSeparator(.omitted).dateSeparator(.omitted))
        let file = folder.appending(path: "census-\(time).json")
        try Data(text.utf8).write(to: file, options: .atomic)
        // Their names sort by time.
        let all = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
            $0.hasPrefix("census-") && $0.hasSuffix(".json")
        }
        for name in all.sorted().dropLast(most) {
            try? FileManager.default.removeItem(at: folder.appending(path: name))
        }
        return file
    }
}
