import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire

/// What a worker holds behind its lock: the desk, what is in hand, and what was counted.
struct WorkerState {
    enum Life: Sendable {
        case starting, running, draining, stopped
    }

    var life = Life.starting
    var desk: WorkerDesk
    var known: [String: KnownTask] = [:]
    var held: [DeliveryID: HeldTask] = [:]
    var lastDelivery: UInt64 = 0
    var counters: [String: TaskWorkerStatus.Counters] = [:]
    /// Waits for room: is to be told when something changes.
    var isTakerIdle = false
    /// Settled, and not yet told to the broker.
    var unsettled = 0
    /// When the clock's task looks again.
    var alarmAt = Instant.never
    var lastTake: Instant?
    var lastAnswer: Instant?
    /// In seconds since 1970.
    var startedAt = 0.0

    init(desk: WorkerDesk) {
        self.desk = desk
    }

    mutating func nextDelivery() -> DeliveryID {
        lastDelivery += 1
        return DeliveryID(lastDelivery)
    }

    /// What the desk decided, put into what is to be done outside of the lock.
    mutating func chores(_ actions: [DeskAction], now: TaskTime) -> Chores {
        var chores = Chores()
        for action in actions {
            switch action {
            case .run(let id): chores.starts.append(id)
            case .acknowledge(let id): chores.acknowledgements.append(id)
            case .soft(let id):
                if let hand = held[id]?.hand { chores.soft.append(hand) }
            case .kill(let id, _), .abandon(let id):
                held[id]?.isCancelled = true
                if let runner = held[id]?.runner { chores.cancelled.append(runner) }
            case .settle(let id, let settlement):
                guard let held = held[id] else { continue }
                unsettled += 1
                chores.settlements.append(
                    DueSettlement(
                        hand: held.hand, settlement: settlement, outcome: held.outcome, startedAt: held.startedAt,
                        isAcknowledged: held.isAcknowledged))
            case .forget(let id):
                guard let held = held.removeValue(forKey: id) else { continue }
                counters[held.hand.countedName, default: .init()].abandoned += 1
            case .renew(let ids): chores.renewals += ids
            case .enter(let wishes): chores.keys += wishes
            case .askRate(let rule, let count): chores.rates.append(RateQuestion(rule: rule, count: count))
            }
        }
        if isTakerIdle {
            isTakerIdle = false
            chores.wakesTaker = true
        }
        chores.wakesClock = isAlarmLate(now: now)
        chores.mayEnd = life == .draining
        return chores
    }

    /// Whether the clock's task is to look earlier than it was going to.
    mutating func isAlarmLate(now: TaskTime) -> Bool {
        let next = desk.nextWake(now: now)
        guard next < alarmAt else { return false }
        alarmAt = next
        return true
    }
}

/// What is to be done outside of the lock.
struct Chores {
    var starts: [DeliveryID] = []
    var acknowledgements: [DeliveryID] = []
    var soft: [TaskHand] = []
    var cancelled: [TaskRunner] = []
    var settlements: [DueSettlement] = []
    var renewals: [DeliveryID] = []
    var rates: [RateQuestion] = []
    var keys: [KeyWish] = []
    var wakesTaker = false
    var wakesClock = false
    /// The worker drains: this may have been the last thing that it waited for.
    var mayEnd = false
}

/// What is to become of a message, and why.
struct DueSettlement: Sendable {
    var hand: TaskHand
    var settlement: Settlement
    /// nil: it was not run.
    var outcome: TaskOutcome?
    /// In seconds since 1970.
    var startedAt: Double?
    /// The message is acknowledged already, and has no lease.
    var isAcknowledged = false
}

extension TaskTime {
    /// Both clocks. For drivers only.
    static var current: TaskTime { TaskTime(.current, wall: Int64(SystemClock.seconds * 1000)) }
}
