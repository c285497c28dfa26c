import MartletBase
import MartletLogic

/// What lives of task workers met, so that quiet ones are not taken for a proof.
package struct TaskCounts: Sendable, Equatable {
    package var tasks = 0
    package var runs = 0
    package var commits = 0
    /// Ends that the fence refused.
    package var fenced = 0
    package var abandoned = 0
    package var retries = 0
    package var returns = 0
    package var postponed = 0
    package var buried = 0
    package var revoked = 0
    package var expired = 0
    package var timeouts = 0
    package var deaths = 0
    package var drains = 0
    /// Runs in batches of more than one.
    package var joint = 0
    /// Runs of tasks whose key has a limit in all workers.
    package var shared = 0

    package init() {}

    package static func += (total: inout TaskCounts, one: TaskCounts) {
        total.tasks += one.tasks
        total.runs += one.runs
        total.commits += one.commits
        total.fenced += one.fenced
        total.abandoned += one.abandoned
        total.retries += one.retries
        total.returns += one.returns
        total.postponed += one.postponed
        total.buried += one.buried
        total.revoked += one.revoked
        total.expired += one.expired
        total.timeouts += one.timeouts
        total.deaths += one.deaths
        total.drains += one.drains
        total.joint += one.joint
        total.shared += one.shared
    }
}

/// The simulated tasks' own books: who was sent, what it is like, how it ended.
struct TaskBooks {
    /// Of the task of which several run together.
    static let batchSize = 3

    struct Task {
        var nature: TaskNature
        var name: String
        /// Final results that were committed.
        var commits = 0
        var runs = 0
        var isRevoked = false
        /// Acknowledged before its run: the worker's death is its end.
        var isAtRisk = false
    }

    let maximumDeliveries: Int
    var tasks: [Task] = []
    var met = TaskCounts()
    private(set) var problems: [String] = []

    init(maximumDeliveries: Int) { self.maximumDeliveries = maximumDeliveries }

    mutating func note(_ problem: String) {
        if problems.count < 10 { problems.append(problem) }
    }

    /// Whether all tasks have ended, as far as they can.
    var isOver: Bool { tasks.allSatisfy { $0.commits > 0 || $0.isAtRisk } }

    /// The broker stored a task's end.
    mutating func committed(
        _ message: SimulatedMessage, _ settlement: Settlement, end: RunEnd?, kill: KillReason?, isAcknowledged: Bool,
        now: TaskTime
    ) {
        judge(message, settlement, end: end, kill: kill, isAcknowledged: isAcknowledged, now: now)
        switch settlement {
        case .retry: met.retries += 1
        case .giveBack: met.returns += 1
        case .postpone: met.postponed += 1
        case .succeed, .fail, .revoke, .acknowledge, .bury:
            tasks[message.task].commits += 1
            met.commits += 1
            if tasks[message.task].commits > 1 { note("t\(message.task) has two results") }
        }
        if case .bury = settlement { met.buried += 1 }
        if case .fail(.timeLimit) = settlement { met.timeouts += 1 }
        if case .revoke(let isExpired, _) = settlement {
            met.revoked += isExpired ? 0 : 1
            met.expired += isExpired ? 1 : 0
        }
    }

    /// Whether the end is one that the run had, or one that needs no run.
    private mutating func judge(
        _ message: SimulatedMessage, _ settlement: Settlement, end: RunEnd?, kill: KillReason?, isAcknowledged: Bool,
        now: TaskTime
    ) {
        let isRight =
            switch settlement {
            case .succeed: end == .succeeded
            case .fail(.raised): end == .failed
            case .fail(.retriesExceeded): isRetry(end) && message.retries >= 3
            case .fail(.notRegistered): message.name == "unknown"
            case .fail(.timeLimit(let seconds)): kill == .timeLimit(seconds)
            case .fail(.workerLost): isAcknowledged && (end == nil || end == .lost || end == .stopped)
            case .retry(let retries, let eta):
                isRetry(end) && retries == message.retries + 1 && eta >= now.wall - 200_000
            case .revoke(expired: true, _): message.expires ?? .max <= now.wall
            case .revoke(expired: false, _): tasks[message.task].isRevoked
            case .acknowledge: end == .settled || end == .rejected(requeue: false) || end == .rejected(requeue: true)
            case .giveBack(atHead: true): end == nil || end == .stopped || end == .lost
            case .giveBack(atHead: false): end == .lost || end == .rejected(requeue: true)
            case .postpone(let eta): end == nil && eta == message.eta
            case .bury: message.deliveries >= maximumDeliveries && (end == nil || end == .lost)
            }
        if !isRight {
            note("t\(message.task) was settled as \(settlement) after \(end.map { "\($0)" } ?? "no run")")
        }
        switch settlement {
        case .giveBack, .postpone, .bury:
            if isAcknowledged { note("t\(message.task) goes back, but the broker has it no more") }
        case .succeed, .fail, .retry, .revoke, .acknowledge: break
        }
    }

    private func isRetry(_ end: RunEnd?) -> Bool {
        if case .retry = end { true } else { false }
    }

    /// A worker begins to run a message; `others` run elsewhere, by workers that are well.
    mutating func began(
        _ message: SimulatedMessage, others: [SimulatedRun], on worker: SimulatedTaskWorker, now: TaskTime
    ) {
        let task = message.task
        tasks[task].runs += 1
        met.runs += 1
        if others.contains(where: { $0.task == task && !$0.isEndedFromOutside }) {
            note("t\(task) runs twice at one time")
        }
        if message.eta ?? 0 > now.wall { note("t\(task) runs before its time") }
        // One that is acknowledged first may be too late when it is.
        let isEarly = message.name == "early"
        if message.expires ?? .max <= now.wall, !isEarly { note("t\(task) runs too late") }
        if message.name == "unknown" { note("t\(task) runs, and nobody knows it") }
        if message.deliveries > maximumDeliveries { note("t\(task) runs once too often") }
        if worker.desk.revocations.contains("t\(task)", now: now.wall) { note("t\(task) runs, but is revoked") }
        if tasks[task].commits > 0, !tasks[task].isAtRisk { note("t\(task) runs after its end") }
        if isEarly, tasks[task].runs > 1 + message.retries { note("t\(task) runs twice, but was acknowledged first") }
        let slots = worker.runs.values.count(where: \.hasSlot)
        if slots > worker.desk.slots, !isEarly { note("more run than there are slots") }
        let ofItsKey = worker.runs.values.count { $0.name == "keyed" && $0.key == message.key }
        if message.name == "keyed", ofItsKey > 1 { note("two of one key run") }
        // Who outlives silence may run what somebody else has a place for.
        guard message.name == "shared", message.key != nil, !worker.desk.policy.outlivesSilence else { return }
        met.shared += 1
        let there = (others + worker.runs.values).filter { !$0.isEndedFromOutside }
        if there.count(where: { $0.name == "shared" && $0.key == message.key }) > SimulatedRun.places {
            note("more of a key run in all workers than may")
        }
    }

    /// What the desk says of itself against what happened to it.
    mutating func audit(_ worker: SimulatedTaskWorker) {
        let desk = worker.desk
        if desk.impossible.count > 0 { note("impossible: \(desk.impossible.last)") }
        let counts = desk.counts
        let ended =
            counts.succeeded + counts.failed + counts.retried + counts.revoked + counts.acknowledged + counts.returned
            + counts.buried + counts.abandoned
        if counts.taken != ended + desk.inHand { note("\(counts.taken) taken, \(ended) ended, \(desk.inHand) left") }
        if desk.scheduledInHand > desk.policy.maximumScheduled { note("too many are scheduled") }
        let policy = desk.policy
        let most = policy.maximumBlocked + policy.maximumAhead + policy.maximumScheduled
        let inBatches = desk.reserved.count { $0.phase == .waitsForBatch }
        // What was taken to fill batches waits for slots of its own once they are called, or are batches no more.
        let batches = max(desk.slots, desk.running, policy.slots) * (policy.prefetch - 1) + 1
        if desk.waiting - inBatches > most + Self.batchSize * batches { note("too many wait") }
        if desk.scheduledInHand < 0 || desk.waiting < 0 || desk.running < 0 { note("less than nothing") }
        if worker.held.count != desk.inHand { note("it holds \(worker.held.count), the desk \(desk.inHand)") }
    }
}
