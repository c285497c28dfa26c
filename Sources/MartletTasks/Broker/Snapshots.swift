import Dispatch
import Logging
import MartletLogic
import MartletStore

/// Writes the data as a whole from time to time, so that the journal does not grow for ever. A thread of its own does
/// it, from a copy.
struct Snapshots {
    private let journal: Journal
    private let logger: Logger
    private let threshold: UInt64
    private let queue = DispatchQueue(label: "martlet.snapshots", qos: .utility)

    init(_ journal: Journal, logger: Logger, threshold: UInt64) {
        self.journal = journal
        self.logger = logger
        self.threshold = threshold
    }

    /// Whether the journal is so much longer than the data that replaying it costs more.
    func isDue(dataBytes: Int) -> Bool {
        journal.figures.bytesSinceSnapshot > max(threshold, UInt64(dataBytes))
    }

    /// - Parameters:
    ///   - keyspace: All that was appended so far, and nothing else.
    ///   - done: Whether it is written. From another thread; not called when another one is being written.
    func take(_ keyspace: Keyspace, _ done: @escaping @Sendable (Bool) -> Void) {
        let writer: SnapshotWriter
        do throws(JournalError) {
            writer = try journal.beginSnapshot()
        } catch {
            if error != .snapshotIsRunning { logger.error("no snapshot", metadata: ["error": "\(error)"]) }
            return
        }
        queue.async { [logger] in
            do throws(JournalError) {
                try keyspace.forEachMutation { (mutation) throws(JournalError) in
                    try writer.write(MutationCodec.encode([mutation]))
                }
                try writer.finish()
                done(true)
            } catch {
                logger.error("a snapshot failed", metadata: ["error": "\(error)"])
                done(false)
            }
        }
    }
}
