import MartletBase

/// How many workers there may be, and what they are for.
public struct TaskScalePolicy: Sendable, Equatable {
    public var min = 1
    public var max = 1
    /// How long a task may wait.
    public var wait: Duration = .seconds(10)
    /// Workers too many for so long are retired.
    public var quiet: Duration = .seconds(30)
    /// Between two workers that come because tasks wait too long although there should be enough.
    public var pause: Duration = .seconds(5)
    /// Comes before `min`; nil: no matter what they cost.
    public var budget: TaskBudget?

    public init() {}
}

/// Decides how many workers there should be for some queues: so many that whoever waits is served in time, by how much
/// there is, how long it takes and how old the oldest is.
///
/// It grows at once and by as many as are needed; it shrinks to what was needed at most during a quiet period; and it
/// never says fewer than there are busy ones, whatever the bounds and the budget say meanwhile.
public struct TaskScaler: Sendable {
    public struct Load: Sendable, Equatable {
        /// Tasks in the queues whose time has come, and those that workers hold without running them.
        public var waiting: Int
        /// Tasks that run: so many workers are busy.
        public var running: Int
        /// How long the oldest of those that wait has waited, in seconds; nil: none waits, or nobody knows.
        public var oldestSeconds: Double?
        /// How long a run takes, in seconds; nil: nobody knows.
        public var meanSeconds: Double?

        public init(waiting: Int, running: Int, oldestSeconds: Double? = nil, meanSeconds: Double? = nil) {
            self.waiting = Swift.max(waiting, 0)
            self.running = Swift.max(running, 0)
            self.oldestSeconds = oldestSeconds
            self.meanSeconds = meanSeconds
        }
    }

    public private(set) var policy: TaskScalePolicy
    /// How many workers there should be.
    public private(set) var workers: Int
    private var spending = TaskSpending()
    private var lastGrowth: Instant?
    /// Since when there are more than needed; nil: there are not.
    private var quietSince: Instant?
    /// How many were needed at most since then.
    private var peak = 0

    public init(policy: TaskScalePolicy) {
        self.policy = policy
        workers = Swift.max(policy.min, 0)
    }

    /// What the workers of this period have cost, in the budget's unit.
    public var spent: Double { spending.spent }

    /// Other rules, from the next look on.
    public mutating func adopt(_ policy: TaskScalePolicy) { self.policy = policy }

    /// How many workers serve whoever waits within `wait`: `desired` of `GET /autoscale`, before any bounds.
    ///
    /// The work that waits and half of what runs, divided by the time that is left for it: what the oldest has waited
    /// is gone, but a quarter stays, so that the number is finite. Never more than there are tasks, never fewer than
    /// run. As long as nobody knows how long a task takes, each has its own worker.
    public static func desired(_ load: Load, wait: Duration) -> Int {
        let tasks = load.waiting + load.running
        guard load.waiting > 0, let mean = load.meanSeconds else { return tasks }
        let whole = Swift.max(wait.inSeconds, 0.001)
        let left = Swift.max(whole - Swift.max(load.oldestSeconds ?? 0, 0), whole / 4)
        let work = (Double(load.waiting) + Double(load.running) / 2) * Swift.max(mean, 0)
        let needed = Int(Swift.min((work / left).rounded(.up), Double(tasks)))
        return Swift.max(needed, load.running, 1)
    }

    /// Looks at the queues, and says how many workers there should be.
    public mutating func observe(_ load: Load, now: TaskTime) -> Int {
        var cap = Int.max
        if let budget = policy.budget {
            spending.count(workers: workers, budget, now: now.wall)
            cap = spending.cap(budget, now: now.wall)
        }
        let bound = Swift.min(Swift.max(policy.max, 0), cap)
        let wanted = Swift.min(Swift.max(needed(load, now: now.instant), policy.min), bound)
        if wanted > workers {
            workers = wanted
            lastGrowth = now.instant
            quietSince = nil
        } else if workers > bound {
            workers = Swift.max(bound, Swift.min(load.running, workers))
            quietSince = nil
        } else {
            shrink(to: wanted, now: now.instant)
        }
        return workers
    }

    /// One more than should be enough when tasks wait too long all the same: their times are not alike.
    private func needed(_ load: Load, now: Instant) -> Int {
        let desired = Self.desired(load, wait: policy.wait)
        guard load.oldestSeconds ?? 0 > policy.wait.inSeconds, desired <= workers,
            load.waiting + load.running > workers
        else { return desired }
        let isRested = lastGrowth.map { now - $0 >= policy.pause } ?? true
        return isRested ? workers + 1 : workers
    }

    /// What is wanted is never less than is busy, as long as the bounds allow as many.
    private mutating func shrink(to wanted: Int, now: Instant) {
        guard wanted < workers else { return quietSince = nil }
        guard let since = quietSince else {
            quietSince = now
            return peak = wanted
        }
        peak = Swift.max(peak, wanted)
        guard now - since >= policy.quiet else { return }
        workers = peak
        quietSince = now
        peak = wanted
    }
}
