import Foundation
import Logging
import MartletBase
import MartletLogic
import MartletNet
import Synchronization

/// Keeps evidence from during the trouble: the whole of `/status` as a file, when four fifths of the descriptors that
/// may be used are. It writes in a task of its own: neither a slow disk nor a loop that does not answer may keep
/// descriptors from being given back.
final class CensusRecorder: Sendable {
    /// Files that are kept.
    private static let most = 10

    private let logger: Logger
    private let status: @Sendable () async throws -> String
    private let pace = Mutex(CensusPace())
    private let knocks: AsyncStream<Void>
    private let door: AsyncStream<Void>.Continuation

    init(logger: Logger, status: @escaping @Sendable () async throws -> String) {
        self.logger = logger
        self.status = status
        (knocks, door) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Descriptors grow scarce. Never waits.
    func knock() { door.yield() }

    /// Writes when it is knocked, until the task is cancelled.
    ///
    /// - Parameter folder: where to, as of now; nil: nowhere.
    func run(folder: @Sendable () -> String?) async {
        for await _ in knocks {
            if let folder = folder() { await record(in: folder) }
        }
    }

    /// Writes one file, unless the last one is young.
    private func record(in folder: String) async {
        guard pace.withLock({ $0.isDue(now: .current) }) else { return }
        do {
            let file = try Self.write(try await status(), to: URL(fileURLWithPath: folder))
            logger.warning("descriptors grow scarce", metadata: ["census": "\(file.path)"])
            if pace.withLock({ $0.written() }) { logger.notice("a census can be written again") }
        } catch {
            guard pace.withLock({ $0.failed(now: .current) }) else { return }
            logger.warning("descriptors grow scarce; no census was written", metadata: ["error": "\(error)"])
        }
    }

    private static func write(_ text: String, to folder: URL) throws -> URL {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let time = Date.now.formatted(.iso8601.timeSeparator(.omitted).dateSeparator(.omitted))
        let file = folder.appending(path: "census-\(time).json")
        try Data(text.utf8).write(to: file, options: .atomic)
        prune(folder)
        return file
    }

    /// Files that stay too long are no harm to the one that was written.
    private static func prune(_ folder: URL) {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        // Their names sort by time.
        let censuses = all.filter { $0.hasPrefix("census-") && $0.hasSuffix(".json") }.sorted()
        for name in censuses.dropLast(most) {
            try? FileManager.default.removeItem(at: folder.appending(path: name))
        }
    }
}
