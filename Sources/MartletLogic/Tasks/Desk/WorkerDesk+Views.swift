/// What others see of a worker: `inspect`, the console, the metrics.
extension WorkerDesk {
    /// Runs.
    public var active: [DeskTask] { tasks { $0 == .running || $0 == .acknowledging } }

    /// Taken and not running, their time having come.
    public var reserved: [DeskTask] {
        tasks { [.waitsForKey, .waitsForPlace, .waitsForRate, .waitsForBatch, .ready].contains($0) }
    }

    /// Held until their time comes.
    public var scheduledTasks: [DeskTask] { tasks { $0 == .scheduled } }

    /// Over, and their end is not with the broker yet.
    public var settling: [DeskTask] { tasks { $0 == .settling } }

    public func task(_ id: DeliveryID) -> DeskTask? { entries[id].map(Self.view) }

    /// All deliveries of these tasks that are in hand (`query_task`).
    public func tasks(of ids: [String]) -> [DeskTask] {
        let wanted = Set(ids)
        return entries.values.filter { wanted.contains($0.arrival.task) }.map(Self.view).sorted { $0.id < $1.id }
    }

    /// Time limits that are kept, those of runs that are over included.
    public var rememberedLimits: Int { limits.count }

    /// Messages in hand, those included whose end is on the way to the broker.
    public var inHand: Int { entries.count }
    /// Wait for a slot, for others of their batch, for their rate or for their key.
    public var waiting: Int { readyCount + blockedCount + batchedCount }
    public var scheduledInHand: Int { scheduledCount }
    /// How long a run takes, in seconds, by those that ended of late; nil: none did.
    public var meanRunSeconds: Double? { meanSeconds }

    private func tasks(in isMeant: (DeskTask.Phase) -> Bool) -> [DeskTask] {
        entries.values.filter { isMeant($0.phase) }.map(Self.view).sorted { $0.id < $1.id }
    }

    private static func view(_ entry: Entry) -> DeskTask {
        DeskTask(
            arrival: entry.arrival, phase: entry.phase, startedAt: entry.startedAt,
            isAcknowledged: entry.isAcknowledged, isAbandoned: entry.isAbandoned)
    }
}
