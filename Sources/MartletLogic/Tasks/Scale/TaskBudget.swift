/// What workers may cost.
public struct TaskBudget: Sendable, Equatable {
    public enum Period: String, Sendable, CaseIterable {
        case hour
        case day

        var hours: Double { self == .hour ? 1 : 24 }
        /// How long one lasts.
        public var milliseconds: Int64 { self == .hour ? 3_600_000 : 86_400_000 }
    }

    /// What one worker costs in an hour, in whatever unit `limit` has.
    public var costPerWorkerHour: Double
    /// What all of them may cost in one period.
    public var limit: Double
    /// They begin at full hours, and at midnight of UTC.
    public var period: Period

    public init(costPerWorkerHour: Double, limit: Double, period: Period = .hour) {
        self.costPerWorkerHour = costPerWorkerHour
        self.limit = limit
        self.period = period
    }
}

/// What was spent in this period, and how many workers the rest of it pays.
struct TaskSpending: Sendable {
    /// Counted from 1970.
    private var period: Int64 = .min
    private(set) var spent = 0.0
    private var countedAt: Int64?

    /// So many workers were there since the last time.
    mutating func count(workers: Int, _ budget: TaskBudget, now: Int64) {
        let current = now / budget.period.milliseconds
        if current != period {
            period = current
            spent = 0
            // What the new period has had of it counts.
            countedAt = countedAt.map { max($0, current * budget.period.milliseconds) }
        }
        if let countedAt, now > countedAt {
            spent += Double(workers) * Double(now - countedAt) / 3_600_000 * budget.costPerWorkerHour
        }
        countedAt = now
    }

    /// How many workers what is left pays until the period's end. Its last twenty-fourth does not make them cheaper:
    /// they do not end with it.
    func cap(_ budget: TaskBudget, now: Int64) -> Int {
        guard budget.costPerWorkerHour > 0 else { return .max }
        let end = (now / budget.period.milliseconds + 1) * budget.period.milliseconds
        let hours = max(Double(end - now) / 3_600_000, budget.period.hours / 24)
        let workers = (budget.limit - spent) / (budget.costPerWorkerHour * hours)
        return Int(min(max(workers + 1e-9, 0), 1e9))
    }
}
