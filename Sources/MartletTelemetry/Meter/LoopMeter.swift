package import MartletBase

/// The numbers of one event loop. Confined to that loop: plain integers, no locks; after the first request of each
/// kind, recording allocates nothing.
///
/// 1. An attempt starts: `attempt(at:)` gives the target's slot, kept by the stream.
/// 2. While it runs: `interEvent`, `connected`, `failed`, `retried`, and the gauges.
/// 3. The request ends: `record`, once.
/// 4. A scrape hops to the loop, takes a `snapshot()` and sums the loops elsewhere (``MeterTotals``).
package final class LoopMeter {
    /// One value, so that recording a request takes one exclusive access, not one for each table.
    private var counted = MeterSnapshot()

    package init() {}

    // MARK: Requests

    /// Closes the books of one request.
    package func record(_ record: borrowing RequestRecord) {
        counted.record(record)
    }

    // MARK: Attempts

    /// Counts an attempt and gives the slot that its further numbers go to.
    package func attempt(at target: TargetID) -> TargetSlot {
        counted.attempt(at: target)
    }

    /// A new connection was made.
    package func connected(_ slot: TargetSlot, nanoseconds: UInt64) {
        counted.targets.update(slot) { $0.connect.observe(nanoseconds) }
    }

    /// Two events of a streamed answer were this far apart.
    package func interEvent(_ slot: TargetSlot, nanoseconds: UInt64) {
        counted.targets.update(slot) { $0.interEvent.observe(nanoseconds) }
    }

    /// The attempt failed. Never called because a client left.
    package func failed(_ slot: TargetSlot, _ failure: FailureClass) {
        counted.targets.update(slot) { $0.failures[failure] &+= 1 }
    }

    /// Another attempt is made because of `failure`.
    package func retried(pool: UInt16, because failure: FailureClass) {
        counted.retried(pool: pool, because: failure)
    }

    // MARK: Gauges and rarities

    /// Connections opened (positive) or closed (negative); a lease moves one between the upstream kinds.
    package func connections(_ kind: ConnectionKind, changedBy change: Int64) {
        counted.global.connections[Int(kind.rawValue)] &+= change
    }

    /// Bytes taken into buffers (positive) or given back (negative).
    package func bufferedBytes(changedBy change: Int64) {
        counted.global.bufferedBytes &+= change
    }

    /// A machine met an event that cannot happen.
    package func impossibleEvent() {
        counted.global.impossibleEvents &+= 1
    }

    // MARK: Reading

    /// The numbers so far. Cheap: the tables are shared until the next record.
    package func snapshot() -> MeterSnapshot {
        counted
    }

    /// Drops the series of a target that is gone for good and holds no request.
    package func forget(_ target: TargetID) {
        counted.forget(target)
    }
}

@available(*, unavailable)
extension LoopMeter: Sendable {}
