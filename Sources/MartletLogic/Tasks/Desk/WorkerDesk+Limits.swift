public import MartletBase

extension WorkerDesk {
    /// When a run is told that its time is nearly over (nil: never), and when it is ended (`.never`: it is not). Both
    /// count from ``started(_:now:)``.
    public func limits(of id: DeliveryID) -> (soft: Instant?, hard: Instant) {
        guard let entry = entries[id] else { return (nil, .never) }
        return (entry.softAt == .never ? nil : entry.softAt, entry.hardAt)
    }
}
