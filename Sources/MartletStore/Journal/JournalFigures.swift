/// What a journal did since it was opened.
package struct JournalFigures: Sendable, Equatable {
    /// Ends of the buckets of sync times, in seconds; the last bucket has no end.
    package static let syncBounds: [Double] = [
        0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// Records that are durable.
    package internal(set) var records: UInt64 = 0
    /// Bytes of their frames.
    package internal(set) var bytes: UInt64 = 0
    package internal(set) var syncs: UInt64 = 0
    /// All syncs together, in seconds.
    package internal(set) var syncSeconds: Double = 0
    /// For each bucket of `syncBounds`, and for those beyond, how many syncs it holds; not cumulative.
    package internal(set) var syncBuckets = [UInt64](repeating: 0, count: syncBounds.count + 1)
    /// Attempts to write or sync that failed.
    package internal(set) var failures: UInt64 = 0
    package internal(set) var snapshots: UInt64 = 0
    /// Bytes of records that no snapshot holds: what would be replayed.
    package internal(set) var bytesSinceSnapshot: UInt64 = 0

    mutating func count(records: Int, bytes: Int, sync seconds: Double) {
        self.records += UInt64(records)
        self.bytes += UInt64(bytes)
        bytesSinceSnapshot += UInt64(bytes)
        syncs += 1
        syncSeconds += seconds
        syncBuckets[Self.syncBounds.firstIndex { seconds <= $0 } ?? Self.syncBounds.count] += 1
    }
}
