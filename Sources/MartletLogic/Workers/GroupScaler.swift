public import MartletBase

/// `scale:`: how many workers a group has, and when that changes.
public struct ScalePolicy: Sendable, Equatable {
    /// Never fewer workers.
    public var min = 1
    /// Never more workers.
    public var max = 1
    /// An item that waits for longer asks for another worker, …
    public var wait: Duration = .seconds(1)
    /// … when one has for so long without a break.
    public var sustained: Duration = .seconds(3)
    /// A worker too many for so long is retired.
    public var idle: Duration = .seconds(300)
    /// Between two changes: a new worker has to load before anybody sees what it changes.
    public var cooldown: Duration = .seconds(10)

    public init() {}
}

/// Decides how many workers a group should have: one more while items wait too long for too long, one fewer after one
/// was idle for a while.
///
/// The driver calls ``observe(_:now:)`` about once a second and brings the group to ``workers``; a worker that is still
/// loading counts as one that is there, so nobody asks for it twice.
public struct GroupScaler: Sendable, Equatable {
    /// What the group looks like.
    public struct Load: Sendable, Equatable {
        /// When the item came that waits longest; nil: none waits.
        public var oldestArrival: Instant?
        /// Workers that have nothing to do.
        public var idle: Int
        /// Whether a worker is on its way: started, not ready.
        public var isStarting: Bool

        public init(oldestArrival: Instant?, idle: Int, isStarting: Bool) {
            self.oldestArrival = oldestArrival
            self.idle = idle
            self.isStarting = isStarting
        }
    }

    public private(set) var policy: ScalePolicy
    /// How many workers there should be.
    public private(set) var workers: Int
    /// Since when items wait too long; nil: they do not.
    private var lateSince: Instant?
    /// Since when there is a worker that has nothing to do; nil: there is none.
    private var idleSince: Instant?
    private var lastChange: Instant?

    public init(policy: ScalePolicy) {
        self.policy = policy
        workers = Swift.max(policy.min, 0)
    }

    /// Other rules: the number of workers stays, as far as they allow.
    public mutating func adopt(_ policy: ScalePolicy) {
        self.policy = policy
        workers = Swift.min(Swift.max(workers, policy.min), Swift.max(policy.max, policy.min))
    }

    /// Looks at the group, and says how many workers there should be.
    public mutating func observe(_ load: Load, now: Instant) -> Int {
        let isLate = load.oldestArrival.map { now - $0 > policy.wait } ?? false
        lateSince = isLate ? lateSince ?? now : nil
        idleSince = load.idle > 0 && load.oldestArrival == nil ? idleSince ?? now : nil
        // With no worker at all whoever waits would wait for ever.
        if workers == 0, load.oldestArrival != nil {
            change(by: 1, now: now)
        } else if let lateSince, now - lateSince >= policy.sustained, !load.isStarting, isRested(now) {
            change(by: 1, now: now)
        } else if let idleSince, now - idleSince >= policy.idle, isRested(now) {
            change(by: -1, now: now)
        }
        return workers
    }

    private func isRested(_ now: Instant) -> Bool {
        lastChange.map { now - $0 >= policy.cooldown } ?? true
    }

    private mutating func change(by step: Int, now: Instant) {
        let wanted = Swift.min(Swift.max(workers + step, policy.min), Swift.max(policy.max, policy.min))
        guard wanted != workers else { return }
        workers = wanted
        lastChange = now
        lateSince = nil
        idleSince = nil
    }
}
