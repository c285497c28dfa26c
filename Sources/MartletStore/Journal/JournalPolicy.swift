/// The journal's limits.
package struct JournalPolicy: Sendable, Equatable {
    /// What may wait to be synced, in bytes. Beyond that records are refused.
    package var waitingBytes = 64 << 20
    /// A frame is no longer than this, in bytes, unless one record is.
    package var frameBytes = 4 << 20
    /// How much room is reserved at a time for a segment to grow into, in bytes. Zero: none.
    package var reserveBytes = 4 << 20
    /// How long records for which nobody waits are gathered.
    package var gatherDelay = Duration.milliseconds(2)
    /// How long to wait before writing is tried again.
    package var retryDelay = Duration.seconds(1)
    /// After so many bytes a snapshot is synced, so that its end is no stall for everything else.
    package var snapshotSyncBytes = 8 << 20

    package init() {}
}
