package import MartletLogic
import MartletStore

/// A running broker's numbers at one moment.
package struct BrokerFigures: Sendable {
    package var reading: BrokerReading
    /// Ends of the buckets of syncs, in seconds, and how many syncs each holds; one number more for those beyond.
    package var syncBounds: [Double]
    package var syncBuckets: [UInt64]
    /// All syncs together.
    package var syncSeconds: Double
    /// Records that are durable, and the bytes of their frames.
    package var records: UInt64
    package var bytes: UInt64
    /// Bytes of records that no snapshot holds.
    package var replayBytes: UInt64
    package var snapshots: UInt64
    /// Attempts to write that failed.
    package var failures: UInt64

    init(_ reading: BrokerReading, _ journal: JournalFigures) {
        self.reading = reading
        syncBounds = JournalFigures.syncBounds
        syncBuckets = journal.syncBuckets
        syncSeconds = journal.syncSeconds
        records = journal.records
        bytes = journal.bytes
        replayBytes = journal.bytesSinceSnapshot
        snapshots = journal.snapshots
        failures = journal.failures
    }
}
