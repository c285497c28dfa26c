/// What becomes of times that passed while nobody led, in the words that users write.
public enum CatchUp: String, Sendable, CaseIterable {
    /// They are gone, but for one that is not older than the grace.
    case skip = "none"
    /// The last of them stands for all.
    case once = "last"
    /// Each is made up for, the last so many of them.
    case all
}

/// Something that happens again and again.
public struct CronEntry: Sendable, Equatable {
    public var name: String
    public var times: CronTimes
    public var catchUp: CatchUp

    public init(name: String, times: CronTimes, catchUp: CatchUp = .once) {
        self.name = name
        self.times = times
        self.catchUp = catchUp
    }

    /// By clocks that show UTC.
    public init(name: String, schedule: CronSchedule, catchUp: CatchUp = .once) {
        self.init(name: name, times: .calendar(schedule, CronZone(offset: 0)), catchUp: catchUp)
    }
}

/// One entry's turn: what is to be sent, and what is to be remembered with it, in one step and under the fence.
public struct CronFiring: Sendable, Equatable {
    public var name: String
    /// The times whose tasks are to be sent, the earliest first, in milliseconds since 1970; may be none.
    public var times: [Int64]
    /// Up to when the entry was done with; nil: nothing was remembered. When the broker remembers anything else, it
    /// sends nothing: it heard this already, and its answer was lost.
    public var previous: Int64?
    /// Up to when it is done with, from then on.
    public var last: Int64

    public init(name: String, times: [Int64], previous: Int64?, last: Int64) {
        self.name = name
        self.times = times
        self.previous = previous
        self.last = last
    }

    /// The id of the task of one of those times: the same whoever sends it.
    public func taskID(at time: Int64) -> String { "cron-\(name)-\(time)" }
}

/// What the driver of a ``CronLeader`` must do.
public enum CronAction: Sendable, Equatable {
    /// Ask for the lease, and with it for what is remembered; then
    /// ``CronLeader/acquired(token:lasts:sentAt:now:)``.
    case acquire
    /// Renew it; then ``CronLeader/renewed(token:isOurs:sentAt:now:)``.
    case renew(token: Int64)
    /// Send these tasks and remember that, if no higher token was ever granted and what is remembered is `previous`;
    /// then
    /// ``CronLeader/fired(_:_:now:)``.
    case fire(CronFiring, token: Int64)
    /// Give the lease back.
    case release(token: Int64)
}

/// What the broker said to a firing.
public enum FiringResult: Sendable, Equatable {
    case done
    /// Something else than `previous` is remembered: this.
    case already(last: Int64)
    /// Somebody else leads.
    case fenced
    /// It could not be asked, or nobody knows whether it heard.
    case failed
}
