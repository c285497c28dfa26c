package import MartletBase

/// What all loops counted: made from their snapshots at scrape time, away from the loops.
package struct MeterTotals: Sendable {
    package struct ModelKey: Hashable, Sendable {
        package var model: UInt16
        package var operation: ModelOperation
    }

    package private(set) var requests: [RequestKey: Histogram<DurationScale>] = [:]
    package private(set) var targets: [TargetID: TargetRow] = [:]
    package private(set) var pools: [UInt16: PoolRow] = [:]
    package private(set) var models: [ModelKey: ModelRow] = [:]
    package private(set) var global = GlobalCounts()

    package init(_ snapshots: some Sequence<MeterSnapshot> = []) {
        for snapshot in snapshots {
            merge(snapshot)
        }
    }

    package mutating func merge(_ snapshot: MeterSnapshot) {
        for cell in snapshot.requests.cells {
            requests[cell.key, default: Histogram()].merge(cell.duration)
        }
        for row in snapshot.targets.rows {
            guard let target = row.target else { continue }
            targets[target, default: TargetRow(target: target)].merge(row)
        }
        for (index, row) in snapshot.pools.enumerated() {
            pools[UInt16(truncatingIfNeeded: index), default: PoolRow()].merge(row)
        }
        for (place, row) in snapshot.models.enumerated() where row.duration.count > 0 {
            guard let key = MeterSnapshot.modelKey(at: place) else { continue }
            models[key, default: ModelRow()].merge(row)
        }
        global.merge(snapshot.global)
    }

    /// Connections open now, of all loops.
    package func connections(_ kind: ConnectionKind) -> Int64 {
        global.connections[Int(kind.rawValue)]
    }
}
