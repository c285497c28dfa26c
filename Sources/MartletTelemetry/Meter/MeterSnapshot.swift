import MartletBase

/// What one loop counted, as a value. Its ``LoopMeter`` adds to it; a copy is what leaves the loop.
package struct MeterSnapshot: Sendable {
    private(set) var requests = RequestTable()
    var targets = TargetTable()
    /// By pool index.
    private(set) var pools: [PoolRow] = []
    /// By model index and operation.
    private(set) var models: [ModelRow] = []
    var global = GlobalCounts()

    init() {}

    mutating func record(_ record: borrowing RequestRecord) {
        let place = requests.place(
            of: RequestKey(
                route: record.route, pool: record.pool, target: record.target, status: record.status,
                outcome: record.outcome))
        requests[place].duration.observe(record.durationNanoseconds)
        if let target = record.target {
            // The cell remembers the target's slot, so that one look-up finds both.
            let slot = requests[place].slot ?? targets.slot(for: target)
            requests[place].slot = slot
            targets.record(record, at: slot)
            recordModel(record)
        }
        if record.pool < LabelRegistry.none {
            pools[poolPlace(record.pool)].record(record)
        }
        if let code = record.errorCode { global.errors[code] &+= 1 }
        if let phase = record.cancelPhase { global.cancelled[phase] &+= 1 }
    }

    mutating func attempt(at target: TargetID) -> TargetSlot {
        let slot = targets.slot(for: target)
        targets.update(slot) { $0.attempts &+= 1 }
        return slot
    }

    mutating func retried(pool: UInt16, because failure: FailureClass) {
        guard pool < LabelRegistry.none else { return }
        pools[poolPlace(pool)].retries[failure] &+= 1
    }

    mutating func forget(_ target: TargetID) {
        requests.forget(target)
        targets.forget(target)
    }

    /// The model and operation whose counts are at a place of `models`.
    static func modelKey(at place: Int) -> MeterTotals.ModelKey? {
        let (model, operation) = place.quotientAndRemainder(dividingBy: ModelOperation.allCases.count)
        return ModelOperation(rawValue: UInt8(truncatingIfNeeded: operation)).map {
            MeterTotals.ModelKey(model: UInt16(truncatingIfNeeded: model), operation: $0)
        }
    }

    private mutating func recordModel(_ record: borrowing RequestRecord) {
        guard let operation = record.operation, record.model < LabelRegistry.none else { return }
        let place = Int(record.model) * ModelOperation.allCases.count + Int(operation.rawValue)
        while models.count <= place { models.append(ModelRow()) }
        models[place].record(record)
    }

    private mutating func poolPlace(_ pool: UInt16) -> Int {
        while pools.count <= Int(pool) { pools.append(PoolRow()) }
        return Int(pool)
    }
}
