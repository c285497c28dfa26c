package import MartletBase

/// Idle connections of one event loop, by target: the one used last is taken first, so that the others can expire.
package struct IdlePool<Connection: AnyObject> {
    private var idle: [TargetID: [Connection]] = [:]
    /// Kept for each target; one more closes at once.
    private let limitPerTarget: Int

    package private(set) var count = 0

    package init(limitPerTarget: Int) {
        self.limitPerTarget = limitPerTarget
    }

    package mutating func take(_ target: TargetID) -> Connection? {
        guard let connection = idle[target]?.popLast() else { return nil }
        count -= 1
        return connection
    }

    /// False: there is no room, the caller closes it.
    package mutating func put(_ connection: Connection, for target: TargetID) -> Bool {
        guard idle[target]?.count ?? 0 < limitPerTarget else { return false }
        idle[target, default: []].append(connection)
        count += 1
        return true
    }

    /// The connection died or expired while idle.
    package mutating func remove(_ connection: Connection, for target: TargetID) {
        guard let index = idle[target]?.lastIndex(where: { $0 === connection }) else { return }
        idle[target]?.remove(at: index)
        count -= 1
    }

    /// Every connection to `target`, taken out.
    package mutating func removeAll(_ target: TargetID) -> [Connection] {
        let removed = idle.removeValue(forKey: target) ?? []
        count -= removed.count
        return removed
    }
}
