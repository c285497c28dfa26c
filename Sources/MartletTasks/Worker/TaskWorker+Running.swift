import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import Synchronization

/// The runners: each runs tasks one after the other, as long as the desk has more and none of them was cancelled.
extension TaskWorker {
    /// So many are run before other work of the process gets its turn.
    private static let runsInOneTurn = 64
    /// Between two states of one task.
    private static let progressPause = Duration.milliseconds(100)

    func runTasks(from first: DeliveryID, on runner: TaskRunner) async {
        var next: DeliveryID? = first
        var count = 0
        while let id = next {
            let outcome = await outcome(of: id, on: runner)
            next = ended(id, outcome, on: runner)
            count += 1
            if count.isMultiple(of: Self.runsInOneTurn) { await Task.yield() }
        }
    }

    private func outcome(of id: DeliveryID, on runner: TaskRunner) async -> TaskOutcome {
        guard let begun = begin(id, on: runner) else { return .cancelled }
        let (run, kind, unique) = begun
        await announce(run, kind, unique)
        if kind.description.rules.batch != nil { return await runBatch(of: id, run, kind) }
        return await kind.executor.run(run)
    }

    func announce(_ run: TaskRun, _ kind: KnownTask, _ unique: UniqueHold?) async {
        events.tasks(CollectionOfOne(run.message)) { .started($0.id) }
        if kind.description.tracksStarted, run.message.ignoreResult != true { await storeStarted(run) }
        // Others with its key may come from now on.
        if let unique, unique.rule.until == .started { try? await broker.free(unique) }
    }

    /// nil: it was cancelled before it began.
    private func begin(_ id: DeliveryID, on runner: TaskRunner) -> (TaskRun, KnownTask, UniqueHold?)? {
        let now = TaskTime.current
        var isAlarmLate = false
        defer { if isAlarmLate { alarm.notify() } }
        return state.withLock { state in
            guard let held = state.held[id], !held.isCancelled, let kind = held.hand.kind else { return nil }
            state.desk.started(id, now: now)
            held.runner = runner
            held.startedAt = Double(now.wall) / 1000
            state.counters[held.hand.message.name, default: .init()].started += 1
            isAlarmLate = state.isAlarmLate(now: now)
            let limits = state.desk.limits(of: id)
            return (taskRun(held, soft: limits.soft, hard: limits.hard), kind, held.hand.unique)
        }
    }

    func taskRun(_ held: HeldTask, soft: Instant?, hard: Instant) -> TaskRun {
        let hand = held.hand
        let receipt = held.isAcknowledged ? nil : hand.delivery.receipt
        return TaskRun(
            message: hand.message, bytes: hand.delivery.message, receipt: receipt,
            deliveries: hand.delivery.deliveries, softDeadline: soft, deadline: hard,
            progress: { [self] meta in
                guard !hand.ignoresResult else { return }
                let state = TaskResult.custom(id: hand.message.id, "PROGRESS", meta)
                progress.put(news(state, of: hand.message, receipt), of: hand.id)
            })
    }

    /// The desk is told how it ended. The next task for this runner; nil: there is none, or it is of no use any more.
    private func ended(_ id: DeliveryID, _ outcome: TaskOutcome, on runner: TaskRunner) -> DeliveryID? {
        progress.drop(id)
        let now = TaskTime.current
        let (decided, isDoomed) = state.withLock { state in
            // Whoever cancelled it may not have come to the runner yet, and must not meet another task there.
            let held = state.held[id]
            let isDoomed = held?.isCancelled ?? true
            held?.outcome = outcome
            held?.runner = nil
            let actions = state.desk.ended(id, RunEnd(outcome), now: now)
            return (state.chores(actions, now: now), isDoomed)
        }
        var chores = decided
        let next = isDoomed || chores.starts.isEmpty ? nil : chores.starts.removeFirst()
        carryOut(chores)
        return next
    }

    private func storeStarted(_ run: TaskRun) async {
        let state = TaskResult.started(
            id: run.message.id, processID: Int(ProcessFacts.id), hostname: settings.name)
        await tell([news(state, of: run.message, run.receipt)])
    }

    /// A state while it runs. What is stored of somebody who has the message now, or who ended it, stays.
    private func news(_ state: TaskResult, of message: TaskMessage, _ receipt: Receipt?) -> StateNews {
        let stored = books.stored(state.of(message))
        // Leases are where messages are, and end with them.
        guard results === broker, let receipt else { return StateNews(stored, keeping: [.success, .failure, .revoked]) }
        return StateNews(stored, while: receipt)
    }

    /// States on the way are for whoever looks; the task goes on without them.
    private func tell(_ states: [StateNews]) async {
        do {
            try await results.tell(states)
        } catch {
            logger.debug("states were not stored", metadata: ["error": "\(error)", "states": "\(states.count)"])
        }
    }

    // MARK: Progress

    /// The role that tells how far tasks are: of each the latest, as often as somebody may look.
    func tellProgress() async {
        while true {
            let latest = await progress.take()
            if latest.isEmpty { return }
            await tell(latest)
            try? await Task.sleep(for: Self.progressPause)
        }
    }
}

extension RunEnd {
    init(_ outcome: TaskOutcome) {
        switch outcome {
        case .success, .publishing: self = .succeeded
        case .failure: self = .failed
        case .retry(_, let delay): self = .retry(after: delay.map { .nanoseconds(Int64(clamping: $0 * 1e9)) })
        case .settled(let settlement):
            switch settlement.state {
            case .rejected: self = .rejected(requeue: false)
            case .requeued: self = .rejected(requeue: true)
            case .success, .failure, .retry, .ignored, .revoked: self = .settled
            }
        case .lost: self = .lost
        case .timedOut: self = .timedOut
        case .cancelled: self = .stopped
        case .rejected(let requeue, _): self = .rejected(requeue: requeue)
        case .ignored: self = .settled
        }
    }
}

extension Int64 {
    /// Saturated; not a number is zero.
    init(clamping value: Double) {
        self = value.isNaN ? 0 : value >= 9.2e18 ? .max : value <= -9.2e18 ? .min : Int64(value)
    }
}
