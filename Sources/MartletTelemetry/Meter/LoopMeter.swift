package import MartletBase

/// The numbers of one event loop. Confined to that loop: plain integers, no locks; after the first request of each kind,
/// recording allocates nothing.
///
/// 1. An attempt starts: `attempt(at:)` gives the target's slot, kept by the stream.
/// 2. While it runs: `interEvent`, `connected`, `failed`, `retried`, and the gauges.
/// 3. The request ends: `record`, once.
/// 4. A scrape hops to the loop, takes a `snapshot()` and sums the loops elsewhere (``MeterTotals``).
package final class LoopMeter {
    private var requests = RequestTable()
    private var targets = TargetTable()
    private var pools: [PoolRow] = []
    /// By model index and operation.
    private var models: [ModelRow] = []
    private var global = GlobalCounts()

    package init() {}

    // MARK: Requests

    /// Closes the books of one request.
    package func record(_ record: borrowing RequestRecord) {
        let key = RequestKey(
            route: record.route, pool: record.pool, target: record.target, status: record.status,
            outcome: record.outcome)
        let place = requests.place(of: key)
        requests[place].duration.observe(record.durationNanoseconds)
        if let target = record.target {
            let slot = requests[place].slot ?? targets.slot(for: target)
            requests[place].slot = slot
            let firstByte = record.firstByteNanoseconds
            let input = record.inputTokens ?? 0
            let output = record.outputTokens ?? 0
            targets.update(slot) { row in
                if let firstByte { row.firstByte.observe(firstByte) }
                row.inputTokens &+= input
                row.outputTokens &+= output
            }
        }
        if record.pool < LabelRegistry.none { recordPool(record) }
        if let operation = record.operation, record.target != nil { recordModel(record, operation) }
        if let code = record.errorCode { global.errors[code] &+= 1 }
        if let phase = record.cancelPhase { global.cancelled[phase] &+= 1 }
    }

    private func recordPool(_ record: borrowing RequestRecord) {
        let pool = poolPlace(record.pool)
        pools[pool].bytesIn &+= record.bytesIn
        pools[pool].bytesOut &+= record.bytesOut
        if let wait = record.queueWaitNanoseconds {
            pools[pool].queueWait[Int(record.priority.rawValue)].observe(wait)
        }
    }

    private func recordModel(_ record: borrowing RequestRecord, _ operation: ModelOperation) {
        guard record.model < LabelRegistry.none else { return }
        let place = MeterSnapshot.modelPlace(record.model, operation)
        while models.count <= place { models.append(ModelRow()) }
        models[place].duration.observe(record.durationNanoseconds)
        if let firstByte = record.firstByteNanoseconds { models[place].firstChunk.observe(firstByte) }
        if let tokens = record.inputTokens { models[place].inputTokens.observe(tokens) }
        if let tokens = record.outputTokens { models[place].outputTokens.observe(tokens) }
    }

    private func poolPlace(_ pool: UInt16) -> Int {
        let place = Int(min(pool, LabelRegistry.other))
        while pools.count <= place { pools.append(PoolRow()) }
        return place
    }

    // MARK: Attempts

    /// Counts an attempt and gives the slot that its further numbers go to.
    package func attempt(at target: TargetID) -> TargetSlot {
        let slot = targets.slot(for: target)
        targets.update(slot) { $0.attempts &+= 1 }
        return slot
    }

    /// A new connection was made.
    package func connected(_ slot: TargetSlot, nanoseconds: UInt64) {
        targets.update(slot) { $0.connect.observe(nanoseconds) }
    }

    /// Two events of a streamed answer were this far apart.
    package func interEvent(_ slot: TargetSlot, nanoseconds: UInt64) {
        targets.update(slot) { $0.interEvent.observe(nanoseconds) }
    }

    /// The attempt failed. Never called because a client left.
    package func failed(_ slot: TargetSlot, _ failure: FailureClass) {
        targets.update(slot) { $0.failures[failure] &+= 1 }
    }

    /// Another attempt is made because of `failure`.
    package func retried(pool: UInt16, because failure: FailureClass) {
        guard pool < LabelRegistry.none else { return }
        pools[poolPlace(pool)].retries[failure] &+= 1
    }

    // MARK: Gauges and rarities

    /// Connections opened (positive) or closed (negative); a lease moves one between the upstream kinds.
    package func connections(_ kind: ConnectionKind, changedBy change: Int64) {
        global.connections[Int(kind.rawValue)] &+= change
    }

    /// Bytes taken into buffers (positive) or given back (negative).
    package func bufferedBytes(changedBy change: Int64) {
        global.bufferedBytes &+= change
    }

    /// A machine met an event that cannot happen.
    package func impossibleEvent() {
        global.impossibleEvents &+= 1
    }

    // MARK: Reading

    /// The numbers so far. Cheap: the copy is shared until the next record.
    package func snapshot() -> MeterSnapshot {
        MeterSnapshot(
            requests: requests.cells, targets: targets.rows, pools: pools, models: models, global: global)
    }

    /// Drops the series of a target that is gone for good and holds no request.
    package func forget(_ target: TargetID) {
        requests.forget(target)
        targets.forget(target)
    }
}

@available(*, unavailable)
extension LoopMeter: Sendable {}
