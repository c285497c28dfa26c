/// How much of tasks is kept, and how.
public struct HistoryPolicy: Sendable, Equatable {
    /// Tasks whose state is older are forgotten, in seconds.
    public var age = 7.0 * 86_400
    /// Tasks that are kept at most, the latest ones.
    public var tasks = 1_000_000
    /// The most tasks that one transaction writes.
    public var batch = 2000
    /// Tasks that are forgotten at a time: small steps hold nothing up.
    public var pruneStep = 500
    /// Seconds between two transactions, where fewer tasks wait than make a batch.
    public var round = 0.2
    /// Seconds between two looks at what is too old, where nothing was.
    public var pruneRound = 60.0
    /// Seconds until what failed is tried again, at first.
    public var firstPause = 1.0
    /// The same at last.
    public var lastPause = 60.0

    public init() {}
}

/// Decides when what became of tasks is written down, when it is forgotten, and when something that failed is tried
/// again. Times are seconds of one clock.
///
/// ```
/// shut ── opened ──▶ open ── damaged ──▶ shut (begins anew at once)
///  ▲ └─ failed: tried again, later each time
/// ```
public struct HistoryMachine: Sendable {
    public enum Action: Sendable, Equatable {
        case open
        /// Takes so many tasks at most and writes them.
        case write(Int)
        /// Forgets so many at most of those that are too old or too many.
        case prune(age: Double, keeping: Int, atMost: Int)
        /// Nothing is to be done for so many seconds.
        case rest(Double)
    }

    /// Whether a failure is news: one line in the log is enough for a full disk.
    public enum Tidings: Sendable, Equatable {
        case trouble, known, over, none
    }

    private let policy: HistoryPolicy
    private var isOpen = false
    private var isInTrouble = false
    private var pause: Double
    private var resumes = -Double.infinity
    private var writes = -Double.infinity
    private var prunes = -Double.infinity
    private var begunAnew = -Double.infinity
    private var count = 0
    /// Tasks that were written since the last step of forgetting.
    private var added = 0

    public init(_ policy: HistoryPolicy) {
        self.policy = policy
        pause = policy.firstPause
    }

    // MARK: What is to be done

    /// - Parameter waiting: How many tasks are to be written.
    public func next(waiting: Int, now: Double) -> Action {
        if now < resumes { return .rest(resumes - now) }
        guard isOpen else { return .open }
        if waiting >= policy.batch || waiting > 0 && now >= writes {
            // Those that are too many go as fast as others come.
            return count > policy.tasks && added >= policy.batch ? prune : .write(policy.batch)
        }
        if now >= prunes { return prune }
        return .rest(min(policy.round, max(prunes - now, 0.001)))
    }

    private var prune: Action {
        .prune(age: policy.age, keeping: policy.tasks, atMost: max(policy.pruneStep, min(added, policy.batch * 2)))
    }

    // MARK: What came of it

    public mutating func opened(count: Int, now: Double) -> Tidings {
        isOpen = true
        self.count = count
        return worked()
    }

    /// - Parameter count: How many there are now.
    public mutating func wrote(_ tasks: Int, count: Int, now: Double) -> Tidings {
        self.count = count
        added += tasks
        writes = now + policy.round
        if count > policy.tasks { prunes = min(prunes, now) }
        return worked()
    }

    public mutating func pruned(_ tasks: Int, count: Int, now: Double) -> Tidings {
        self.count = count
        added = 0
        // Where something went, more may have to.
        prunes = now + (tasks > 0 || count > policy.tasks ? policy.round : policy.pruneRound)
        return worked()
    }

    public mutating func failed(now: Double) -> Tidings {
        resumes = now + pause
        pause = min(pause * 2, policy.lastPause)
        defer { isInTrouble = true }
        return isInTrouble ? .known : .trouble
    }

    /// What is there is no history any more. It begins anew at once, unless it has just done so.
    public mutating func damaged(now: Double) -> Tidings {
        isOpen = false
        guard now - begunAnew < policy.lastPause else {
            begunAnew = now
            return .trouble
        }
        return failed(now: now)
    }

    private mutating func worked() -> Tidings {
        pause = policy.firstPause
        defer { isInTrouble = false }
        return isInTrouble ? .over : .none
    }
}
