import MartletLogic
import MartletNet
import MartletWire
import NIOCore

/// Keeps Celery's books: what is published and stored when a task has ended, in whatever way. Decides only; others tell
/// the broker.
///
/// What follows a task is published and its result stored in the one step that acknowledges its message, so that a
/// task whose end was told has all of it, and one whose lease was lost nothing. Parts of chords are counted before
/// that, each only once; then the result has to be there before, too.
struct TaskBooks: Sendable {
    let worker: String
    let resultExpires: Duration
    let routes: TaskRoutes
    /// Results are kept elsewhere than messages: they are stored first.
    let hasOwnBackend: Bool
    /// What clients' replies to tasks of ours go to, and who publishes them.
    let replyTo = RandomID.make()
    let origin: String

    init(worker: String, resultExpires: Duration, routes: TaskRoutes, hasOwnBackend: Bool) {
        self.worker = worker
        self.resultExpires = resultExpires
        self.routes = routes
        self.hasOwnBackend = hasOwnBackend
        let host = worker.split(separator: "@", maxSplits: 1).last.map(String.init) ?? worker
        origin = "gen\(ProcessFacts.id)@\(host)"
    }

    static var now: Int64 { Int64(SystemClock.seconds * 1000) }

    // MARK: Ends

    func entry(_ due: DueSettlement) -> BookEntry {
        var entry = ending(due)
        if let hold = due.hand.unique, hold.rule.until != .ttl, due.isEnd { entry.free(hold) }
        return entry
    }

    private func ending(_ due: DueSettlement) -> BookEntry {
        switch due.settlement {
        case .succeed: succeeded(due)
        case .fail(let failure): failed(due, TaskFailure(failure, due))
        // What was not read cannot be written again.
        case .retry where due.hand.message.bodyFlaw != nil: failed(due, TaskFailure(.raised, due))
        case .retry(_, let eta): retried(due, eta: eta)
        case .revoke(let expired, let terminated): revoked(due, expired: expired, terminated: terminated)
        case .acknowledge: acknowledged(due)
        case .giveBack(let atHead): returned(due, atHead: atHead)
        case .postpone: returned(due, atHead: true)
        case .bury: buried(due)
        }
    }

    private func succeeded(_ due: DueSettlement) -> BookEntry {
        var steps = CanvasSteps()
        let value: RawJSON
        let runtime: Double
        switch due.outcome {
        case .success(let result, let seconds): (value, runtime) = (result, seconds)
        case .publishing(let own, let result, let seconds): (steps, value, runtime) = (own, result, seconds)
        default: (value, runtime) = (.null, 0)
        }
        let message = due.hand.message
        do throws(WireError) {
            let next = try Canvas.next(after: message, result: value, context(of: message))
            steps.chordSizes += next.chordSizes
            steps.savedGroups += next.savedGroups
            steps.tasks += next.tasks
            steps.children += next.children
        } catch {
            return failed(due, .invalidTask("\(error.reason)"))
        }
        var entry = entry(due, tally: .succeeded, publishing: steps)
        entry.runtime = runtime
        if !due.hand.ignoresResult {
            store(.success(id: message.id, value, children: steps.children), of: due, into: &entry)
        }
        addPart(.success, value, of: message, to: &entry)
        entry.event = { .succeeded(message.id, result: PythonRepr.text(value), runtime: runtime) }
        return entry
    }

    private func failed(_ due: DueSettlement, _ failure: TaskFailure) -> BookEntry {
        let message = due.hand.message
        let following = Canvas.failing(after: message, context(of: message))
        var entry = entry(due, tally: .failed, publishing: following.errbacks)
        if case .failure(_, let runtime) = due.outcome { entry.runtime = runtime }
        if due.hand.storesErrors { store(.failure(id: message.id, failure), of: due, into: &entry) }
        addPart(.failure, failure.json, of: message, to: &entry)
        add(following, failure, of: due, to: &entry)
        let traceback = failure.traceback
        entry.event = { .failed(message.id, exception: failure.repr, traceback: traceback) }
        return entry
    }

    /// The same task again, later; nothing that waits for it hears of this.
    private func retried(_ due: DueSettlement, eta: Int64) -> BookEntry {
        let message = due.hand.message
        let failure = due.failure ?? TaskFailure("Retry", module: "celery.exceptions", "")
        let again = OutgoingTask(retrying: message, eta: eta, replyTo: replyTo, origin: origin)
        var entry = entry(due, tally: .retried, publishing: CanvasSteps())
        let queue = due.hand.delivery.receipt.queue
        entry.addPublished([
            (
                key: OutgoingTask.listKey(queue: queue, priority: message.priority), queue: queue,
                message: bytes(again, queue: queue)
            )
        ])
        if due.hand.storesErrors { store(.retry(id: message.id, failure), of: due, into: &entry) }
        entry.event = { .retried(message.id, exception: failure.repr, traceback: failure.traceback) }
        return entry
    }

    private func revoked(_ due: DueSettlement, expired: Bool, terminated: Bool) -> BookEntry {
        let message = due.hand.message
        let reason = expired ? "expired" : terminated ? "terminated" : "revoked"
        var entry = entry(due, tally: .revoked, publishing: CanvasSteps())
        if due.hand.storesErrors { store(.revoked(id: message.id, reason), of: due, into: &entry) }
        addPart(.revoked, TaskFailure.revoked(reason).json, of: message, to: &entry)
        let signal = terminated ? Self.termination : nil
        entry.event = { .revoked(message.id, terminated: terminated, signal: signal, expired: expired) }
        return entry
    }

    /// SIGTERM: what Celery ends runs with, and names in its events.
    private static let termination = 15

    /// The app kept its books itself, or there are none to be kept.
    private func acknowledged(_ due: DueSettlement) -> BookEntry {
        let id = due.hand.message.id
        switch due.outcome {
        case .settled(let end):
            // Celery's own worker tells the result of this one, and not the task.
            if end.state == .rejected {
                return rejected(due, TaskFailure("Reject", module: "celery.exceptions", end.exception))
            }
            var entry = entry(due, tally: end.tally, publishing: CanvasSteps())
            entry.runtime = end.runtime
            entry.event = end.event(id)
            return entry
        case .rejected(_, let failure): return rejected(due, failure)
        default: return entry(due, tally: .rejected, publishing: CanvasSteps())
        }
    }

    /// It will never run again, so whoever waits for it is told.
    private func rejected(_ due: DueSettlement, _ failure: TaskFailure) -> BookEntry {
        var entry = failed(due, failure)
        let id = due.hand.message.id
        entry.tally = .rejected
        entry.event = { .rejected(id, requeue: false) }
        return entry
    }

    private func returned(_ due: DueSettlement, atHead: Bool) -> BookEntry {
        var entry = entry(due, tally: .returned, publishing: CanvasSteps())
        entry.act = .giveBack(atHead: atHead)
        let id = due.hand.message.id
        switch due.outcome {
        case .rejected(requeue: true, _): entry.event = { .rejected(id, requeue: true) }
        case .settled(let end) where end.state == .requeued: entry.event = { .rejected(id, requeue: true) }
        default: break
        }
        return entry
    }

    /// Served too often: it is put aside, and whoever waits for it is told.
    private func buried(_ due: DueSettlement) -> BookEntry {
        let text = "served \(due.hand.delivery.deliveries) times without an end: it is among the dead letters"
        var entry = failed(due, .workerLost(text))
        if let finish = entry.finish {
            entry.first.results += finish.storing.map { [$0] } ?? []
            entry.first.publishing += finish.publishing
        }
        entry.act = .bury
        entry.tally = .deadLettered
        return entry
    }
}
