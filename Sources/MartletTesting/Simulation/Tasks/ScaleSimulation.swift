import MartletBase
import MartletLogic

/// What lives of scaled workers met.
package struct ScaleCounts: Sendable, Equatable {
    package var looks = 0
    package var growths = 0
    package var shrinks = 0
    /// Looks at which the budget allowed fewer than the load asked for.
    package var capped = 0
    package var done = 0

    package init() {}

    package static func += (total: inout ScaleCounts, one: ScaleCounts) {
        total.looks += one.looks
        total.growths += one.growths
        total.shrinks += one.shrinks
        total.capped += one.capped
        total.done += one.done
    }
}

/// One seed's life of a queue whose workers a ``TaskScaler`` brings and sends home: bursts, floods and silence, short
/// runs and long ones, workers that take their time to come, a budget.
package struct ScaleSimulation {
    private var random: SplitMix64
    private var scaler: TaskScaler
    private let policy: TaskScalePolicy
    private var now = TaskTime(Instant(nanoseconds: 1_000_000_000_000), wall: 1_700_000_000_000)
    /// When each of those that wait came.
    private var waiting: [Instant] = []
    /// When each run ends.
    private var runs: [Instant] = []
    private var present = 0
    private var meanSeconds: Double?
    private let runSeconds: Int
    /// What workers cost, counted here; and what those cost that could not be sent home.
    private var spent = 0.0
    private var unavoidable = 0.0
    private var period: Int64 = 0
    private var problems: [String] = []
    package private(set) var met = ScaleCounts()
    private static let looks = 250

    package init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        func draw(_ count: UInt64, _ random: inout SplitMix64) -> Int { Int(random.next() % count) }
        var policy = TaskScalePolicy()
        policy.min = draw(3, &random)
        policy.max = policy.min + 1 + draw(10, &random)
        policy.wait = .seconds(1 + draw(20, &random))
        policy.quiet = .seconds(draw(60, &random))
        if draw(3, &random) == 0 {
            policy.budget = TaskBudget(costPerWorkerHour: 1, limit: Double(1 + draw(4, &random)), period: .hour)
        }
        runSeconds = [1, 5, 30, 90][draw(policy.budget == nil ? 4 : 3, &random)]
        self.policy = policy
        scaler = TaskScaler(policy: policy)
    }

    /// Lives the life to its end; answers what was wrong with it.
    package mutating func run() -> [String] {
        for _ in 0..<Self.looks where problems.isEmpty { step(arrivals: burst()) }
        // Then nobody comes any more: all is done, and the workers go home.
        var turns = 0
        while !(waiting.isEmpty && runs.isEmpty), problems.isEmpty {
            step(arrivals: 0)
            turns += 1
            // A budget may allow none at all until the next period.
            if turns > 40_000 { problems.append("tasks wait for ever: \(waiting.count) of them") }
        }
        for _ in 0..<140 where problems.isEmpty { step(arrivals: 0) }
        if problems.isEmpty, scaler.workers > policy.min { problems.append("workers stay for nothing") }
        return problems
    }

    private mutating func burst() -> Int {
        switch draw(40) {
        case 0 where waiting.count < 40: draw(60)
        case 1..<8: draw(3)
        default: 0
        }
    }

    private mutating func step(arrivals: Int) {
        now = TaskTime(now.instant + .seconds(1), wall: now.wall + 1000)
        count()
        let done = runs.count
        runs.removeAll { $0 <= now.instant }
        met.done += done - runs.count
        if done > runs.count { meanSeconds = Double(runSeconds) }
        for _ in 0..<arrivals { waiting.append(now.instant) }
        look()
        // Workers come one in a second; those that are idle go at once.
        present = scaler.workers > present ? present + 1 : max(scaler.workers, runs.count)
        while runs.count < present, !waiting.isEmpty {
            waiting.removeFirst()
            runs.append(now.instant + .seconds(runSeconds))
        }
    }

    private mutating func look() {
        let before = scaler.workers
        let load = TaskScaler.Load(
            waiting: waiting.count, running: runs.count,
            oldestSeconds: waiting.first.map { (now.instant - $0).inSeconds }, meanSeconds: meanSeconds)
        let workers = scaler.observe(load, now: now)
        met.looks += 1
        met.growths += workers > before ? 1 : 0
        met.shrinks += workers < before ? 1 : 0
        if workers < min(runs.count, before) { problems.append("\(workers) workers, but \(runs.count) are busy") }
        if workers > max(policy.max, before) { problems.append("\(workers) workers are more than there may be") }
        if workers < policy.min, policy.budget == nil { problems.append("\(workers) workers are fewer than at least") }
        if !waiting.isEmpty, workers == 0, policy.budget == nil { problems.append("tasks wait, and nobody is to come") }
        let all = waiting.count + runs.count
        if workers > max(all, policy.min, before) { problems.append("more workers than tasks") }
        let isKnown = meanSeconds != nil
        if policy.budget == nil, !isKnown, workers < min(all, policy.max) { problems.append("it is too slow") }
        let wanted = min(policy.max, TaskScaler.desired(load, wait: policy.wait))
        if policy.budget != nil, workers < wanted { met.capped += 1 }
    }

    /// What the last second cost.
    private mutating func count() {
        guard let budget = policy.budget else { return }
        let current = now.wall / budget.period.milliseconds
        if current != period { (period, spent, unavoidable) = (current, 0, 0) }
        spent += Double(scaler.workers) / 3600 * budget.costPerWorkerHour
        // Busy ones are never sent home, whatever is left.
        if spent > budget.limit, scaler.workers <= runs.count { unavoidable += Double(scaler.workers) / 3600 }
        // A second's worth: the last look was before the money was gone.
        let second = Double(policy.max + 1) / 3600 * budget.costPerWorkerHour
        if spent > budget.limit + unavoidable + second { problems.append("\(spent) was spent of \(budget.limit)") }
    }

    private mutating func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
}
