import MartletBase
import MartletLogic

/// What a simulated task does when it is run.
enum TaskNature: Equatable, CaseIterable {
    case succeeds
    case fails
    /// Asks for another run twice, then succeeds.
    case retries
    /// Asks for another run whenever it may, and more often.
    case retriesForEver
    /// Its process dies of it.
    case kills
    /// Its process dies of it once.
    case killsOnce
    /// Ends only when it is ended.
    case hangs
    /// Goes back to its queue once, then succeeds.
    case requeues
    case rejects
    /// Keeps its books itself.
    case settles

    func end(retries: Int, runs: Int) -> RunEnd {
        switch self {
        case .succeeds: .succeeded
        case .fails: .failed
        case .retries: retries < 2 ? .retry(after: .seconds(1)) : .succeeded
        case .retriesForEver: .retry(after: nil)
        case .kills: .lost
        case .killsOnce: runs == 1 ? .lost : .succeeded
        case .hangs: .stopped
        case .requeues: .rejected(requeue: runs == 1)
        case .rejects: .rejected(requeue: false)
        case .settles: .settled
        }
    }
}

/// A run of one task by one worker.
struct SimulatedRun {
    /// Of tasks that are `shared`, so many of one key run in all workers.
    static let places = 2

    var task: Int
    var name: String
    var key: String?
    /// When it ends by itself; `.never`: it does not.
    var endsAt: Instant
    var end: RunEnd
    var startedAt: Instant
    var hardLimit: Double?
    var killedFor: KillReason?
    var isAbandoned = false
    /// Those that it came along with; the first of them has the slot.
    var batch: [DeliveryID] = []
    var hasSlot = true

    var isEndedFromOutside: Bool { killedFor != nil || isAbandoned }
}

/// What a worker said to the broker, and what it was told.
struct Flight {
    enum Call: Equatable {
        case pull(DeskPull)
        case acknowledge(DeliveryID)
        case settle(DeliveryID, Settlement)
        case renew([DeliveryID], sentAt: Instant)
        case enter([KeyWish])
    }

    enum Reply {
        case taken([SimulatedBroker.Lease])
        case done(Bool)
        case lost([DeliveryID])
        case entered([Bool])
    }

    var call: Call
    /// Nil: the broker has not heard it.
    var reply: Reply?
}

/// One worker process: its desk, what it holds, what runs, what is on its way to the broker and back.
struct SimulatedTaskWorker {
    var desk: WorkerDesk
    var held: [DeliveryID: SimulatedBroker.Lease] = [:]
    /// How the runs of what it holds ended.
    var ends: [DeliveryID: RunEnd] = [:]
    var kills: [DeliveryID: KillReason] = [:]
    var acknowledged: Set<DeliveryID> = []
    var runs: [DeliveryID: SimulatedRun] = [:]
    var flights: [Flight] = []
    var wakeAt = Instant.never
    /// The process is stopped until then.
    var pausedUntil: Instant?
    /// It cannot reach the broker until then.
    var cutUntil: Instant?
    var lastDelivery: UInt64 = 0
    var bornAt: Instant
    /// Runs of the rated task that began.
    var ratedStarts = 0

    var isPulling: Bool { flights.contains { if case .pull = $0.call { true } else { false } } }
}
