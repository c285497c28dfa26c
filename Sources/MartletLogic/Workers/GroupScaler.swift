public import MartletBase

/// `scale`: how many workers a group has, and when that changes.
public struct ScalePolicy: Sendable, Equatable {
    /// Never fewer workers. With 0 the last one goes as well, and the next request brings one back.
    public var min = 1
    /// Never more workers.
    public var max = 1
    /// Requests that wait for longer ask for another worker, …
    public var wait: Duration = .seconds(1)
    /// … when they have for so long without a break.
    public var sustained: Duration = .seconds(3)
    /// A worker too many for so long is retired.
    public var idle: Duration = .seconds(300)
    /// Between two changes: a new worker has to load before anybody sees what it changes.
    public var cooldown: Duration = .seconds(10)

    public init() {}
}

/// Decides how many workers a group should have: one more while requests wait too long for too long, one fewer after
/// one was idle for a while. The first comes for whoever waits at all; the last goes when there was nothing to do at
/// all for a while.
///
/// The driver calls ``observe(_:now:)`` about once a second and brings the group to ``workers``; a worker that is still
/// loading counts as one that is there, so nobody asks for it twice.
public struct GroupScaler: Sendable {
    /// What the group looks like.
    public struct Load: Sendable, Equatable {
        /// Requests that wait for a worker, in the group and in its pool.
        public var waiting: Int
        /// Requests that the group has ended so far.
        public var served: Int
        /// Workers that have nothing to do.
        public var idle: Int
        /// Whether a worker is on its way: started, not ready.
        public var isStarting: Bool

        public init(waiting: Int, served: Int, idle: Int, isStarting: Bool) {
            self.waiting = waiting
            self.served = served
            self.idle = idle
            self.isStarting = isStarting
        }
    }

    public private(set) var policy: ScalePolicy
    /// How many workers there should be.
    public private(set) var workers: Int
    private var last: (served: Int, time: Instant)?
    /// Since when requests wait too long; nil: they do not.
    private var lateSince: Instant?
    /// Since when there is a worker that has nothing to do; nil: there is none.
    private var idleSince: Instant?
    private var lastChange: Instant?

    public init(policy: ScalePolicy) {
        self.policy = policy
        workers = policy.min
    }

    /// There is no worker, and the next request brings one.
    public var isResting: Bool { workers == 0 }

    /// Other rules: the number of workers stays, as far as they allow.
    public mutating func adopt(_ policy: ScalePolicy) {
        self.policy = policy
        workers = bounded(workers)
    }

    /// Looks at the group, and says how many workers there should be.
    public mutating func observe(_ load: Load, now: Instant) -> Int {
        let (isLate, isIdle) = (isLate(load, now: now), isIdle(load))
        last = (load.served, now)
        lateSince = isLate ? lateSince ?? now : nil
        idleSince = isIdle ? idleSince ?? now : nil
        if isResting {
            if load.waiting > 0 { change(by: 1, now: now) }
        } else if let lateSince, now - lateSince >= policy.sustained, !load.isStarting, isRested(now) {
            change(by: 1, now: now)
        } else if let idleSince, now - idleSince >= policy.idle, isRested(now) {
            change(by: -1, now: now)
        }
        return workers
    }

    /// Whether one that came now would wait too long, at the pace since the last look.
    private func isLate(_ load: Load, now: Instant) -> Bool {
        guard let last, load.waiting > 0, now > last.time else { return false }
        let perSecond = Double(Swift.max(load.served - last.served, 0)) / (now - last.time).inSeconds
        return Double(load.waiting) > perSecond * policy.wait.inSeconds
    }

    /// Whether there is a worker too many. The last one may just have something to do between two looks.
    private func isIdle(_ load: Load) -> Bool {
        load.idle > 0 && load.waiting == 0 && (workers > 1 || load.served == last?.served)
    }

    private func isRested(_ now: Instant) -> Bool {
        lastChange.map { now - $0 >= policy.cooldown } ?? true
    }

    private mutating func change(by step: Int, now: Instant) {
        let wanted = bounded(workers + step)
        guard wanted != workers else { return }
        workers = wanted
        lastChange = now
        lateSince = nil
        idleSince = nil
    }

    private func bounded(_ count: Int) -> Int {
        Swift.min(Swift.max(count, policy.min), Swift.max(policy.max, policy.min))
    }
}
