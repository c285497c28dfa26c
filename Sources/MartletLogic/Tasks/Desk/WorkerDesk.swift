import MartletBase

/// Decides for one worker which messages it takes, when each is run, and what becomes of it.
///
/// A message's way through it: ``pull(now:)`` says how many may come, ``pulled(_:of:now:)`` brings them. Each is then
/// - held until its `eta`, until its key has room, until its name's rate allows it, until its batch is full, until a
///   slot is free, and run: `.run`, ``started(_:now:)``, ``ended(_:_:now:)``, `.settle`, ``settled(_:isCommitted:)``;
/// - or settled without a run: revoked, expired, unknown, served too often, handed back;
/// - or forgotten, because its lease is lost: `.forget`.
///
/// Only what has a slot is taken, and so much more as is done within a moment: tasks that wait here cannot be run by
/// anybody else. What waits too long because a slot's task is not as short as those before it is handed back.
///
/// It is late acknowledgement that loses nothing: until ``settled(_:isCommitted:)`` the broker has the message, and the
/// lease says whose it is. With `acks_late` off, a message is acknowledged before its run, and has no lease then.
///
/// Events that cannot happen are ignored and counted, see ``Impossible``. Events that come too late, for a message that
/// is over, are ignored. Wake-ups may come late, early or twice.
public struct WorkerDesk: Sendable {
    /// The priority steps, the most urgent first.
    public static let steps = [0, 3, 6, 9]

    /// What was told to the desk although it cannot happen.
    public var impossible = Impossible()

    public let policy: DeskPolicy
    /// Tasks that run at one time.
    public internal(set) var slots: Int
    /// Between which bounds `slots` may change; nil: it does not by itself.
    public internal(set) var autoscale: ClosedRange<Int>?
    /// What is consumed, the queue whose turn it is first.
    public internal(set) var queues: [String]
    /// Slots that are taken, by runs that are ended from outside too.
    public internal(set) var running = 0
    public internal(set) var revocations: Revocations
    public internal(set) var counts = DeskCounts()
    /// Messages taken so far, by their tasks' names.
    public internal(set) var totals: [String: Int] = [:]

    struct Entry: Sendable {
        /// It has a dozen parts and never changes: copies of the entry share it.
        private final class Brought: Sendable {
            let arrival: TaskArrival

            init(_ arrival: TaskArrival) { self.arrival = arrival }
        }

        private let brought: Brought
        var phase: DeskTask.Phase
        var leaseEnd: Instant
        /// What its key's limit is counted for, from the time that it waits for a place.
        var lane: KeyLanes.Lane?
        var isAcknowledged = false
        var isAbandoned = false
        var startedAt: TaskTime?
        var softAt = Instant.never
        var hardAt = Instant.never
        /// In seconds, as it held when the run began.
        var hardLimit: Double?
        var kill: KillReason?
        var settlement: Settlement?
        /// The first of the batch that it runs in; nil: it runs by itself, or not at all.
        var batch: DeliveryID?

        init(_ arrival: TaskArrival, leaseEnd: Instant) {
            brought = Brought(arrival)
            phase = .ready
            self.leaseEnd = leaseEnd
        }

        var arrival: TaskArrival { brought.arrival }
    }

    struct Run: Sendable {
        var id: DeliveryID
        var since: Instant
    }

    var entries: [DeliveryID: Entry] = [:]
    var rules: [String: TaskRules] = [:]
    /// Messages asked for by pulls that are under way.
    var asked = 0
    var scheduled = DueHeap<DeliveryID>()
    var scheduledCount = 0
    /// One for each step. Those that left before their turn stay in until it comes.
    var ready = [FairQueue<DeliveryID>](repeating: FairQueue(), count: WorkerDesk.steps.count)
    var readyCount = 0
    var keys = KeyLanes()
    var rates: [String: RateLine] = [:]
    /// Names whose line somebody waits in.
    var throttled: Set<String> = []
    /// By their keys.
    var sharedLines: [String: SharedRateLine] = [:]
    /// By their keys.
    var keyLines: [String: KeyLine] = [:]
    var keyAskedLast = ""
    /// Those that have a place of their key, and no slot yet.
    var placed: [DeliveryID] = []
    var batchLines: [BatchLine.Key: BatchLine] = [:]
    /// Those that run, by the first of each.
    var batches: [DeliveryID: RunningBatch] = [:]
    /// Those that wait for their key, here or among all workers, or for their rate.
    var blockedCount = 0
    /// Those that have a slot, in the order in which they got it.
    var runs: [Run] = []
    /// Soft limits (slot 0) and hard ones (slot 1); `sequence` is the delivery. Those of runs that are over stay in.
    var limits = DeadlineHeap()
    /// When leases are looked at again.
    var leaseCheck = Instant.never
    public internal(set) var isDraining = false
    /// When runs are ended so that the worker can stop; nil: that was done, or nobody asked for it.
    var drainUntil: Instant?
    /// How long a run takes, in seconds; nil: none has ended.
    var meanSeconds: Double?
    var random: SplitMix64

    let lease: Interval
    let ahead: Interval
    /// How long what was taken ahead of time waits for a slot.
    let patience: Interval

    public init(policy: DeskPolicy, queues: [String], rules: [TaskRules]) {
        self.policy = policy
        self.queues = queues
        autoscale = policy.autoscale
        slots = max(policy.slots, 0)
        if let bounds = policy.autoscale { slots = min(max(slots, bounds.lowerBound), bounds.upperBound) }
        revocations = Revocations(policy: policy.revocations)
        random = SplitMix64(seed: policy.seed)
        lease = Interval(policy.lease)
        ahead = Interval(policy.ahead)
        patience = Interval(max(policy.ahead * 5, .milliseconds(250)))
        register(rules)
    }

    // MARK: Taking

    /// How many messages to take now, and from where; nil: none. Room for them is kept until
    /// ``pulled(_:of:now:)``, which is to follow once, whatever comes of it.
    public mutating func pull(now: TaskTime) -> DeskPull? {
        let count = room(now: now)
        guard count > 0 else { return nil }
        asked += count
        return DeskPull(count: count, queues: queues, askedAt: now.instant)
    }

    /// What a pull brought; nothing when there was nothing, or when the broker could not be asked.
    public mutating func pulled(_ arrivals: [TaskArrival], of pull: DeskPull, now: TaskTime) -> [DeskAction] {
        if asked < pull.count { impossible.note("more was pulled than asked for") }
        asked = max(asked - pull.count, 0)
        var actions: [DeskAction] = []
        // What goes back to the head goes youngest first: the oldest is at the head again.
        for arrival in isDraining ? arrivals.reversed() : arrivals {
            accept(arrival, leaseEnd: pull.askedAt + lease, now: now, &actions)
        }
        if !entries.isEmpty, leaseCheck == .never { leaseCheck = now.instant + leasePause }
        advance(now: now, &actions)
        return actions
    }

    private mutating func accept(
        _ arrival: TaskArrival, leaseEnd: Instant, now: TaskTime, _ actions: inout [DeskAction]
    ) {
        guard entries[arrival.id] == nil else { return impossible.note("a delivery came twice") }
        entries[arrival.id] = Entry(arrival, leaseEnd: leaseEnd)
        counts.taken += 1
        totals[arrival.name, default: 0] += 1
        served(arrival.queue)
        if let settlement = refusal(of: arrival, now: now) {
            settle(arrival.id, settlement, &actions)
        } else if let eta = arrival.eta, eta > now.wall {
            entries[arrival.id]?.phase = .scheduled
            scheduledCount += 1
            scheduled.insert(arrival.id, at: eta)
        } else {
            joinKey(arrival.id, arrival, now: now)
        }
    }

    /// What becomes of a message at the door; nil: it is to be run.
    private func refusal(of arrival: TaskArrival, now: TaskTime) -> Settlement? {
        if isRevoked(arrival, now: now) { return .revoke(expired: false, terminated: false) }
        if arrival.deliveries > policy.maximumDeliveries { return .bury }
        if rules[arrival.name] == nil { return .fail(.notRegistered) }
        if isExpired(arrival, now: now) { return .revoke(expired: true, terminated: false) }
        let eta = arrival.eta.flatMap { $0 > now.wall ? $0 : nil }
        if isDraining { return eta.map { .postpone(eta: $0) } ?? .giveBack(atHead: true) }
        if let eta, scheduledCount >= policy.maximumScheduled { return .postpone(eta: eta) }
        return nil
    }

    /// The queue goes to the end, so that none waits for ever behind another.
    private mutating func served(_ queue: String) {
        guard queues.count > 1, queues.last != queue, let index = queues.firstIndex(of: queue) else { return }
        queues.append(queues.remove(at: index))
    }

    // MARK: Runs

    /// The message is acknowledged before its run, or was somebody else's by then.
    public mutating func acknowledged(_ id: DeliveryID, isOurs: Bool, now: TaskTime) -> [DeskAction] {
        guard let entry = entries[id], entry.phase == .acknowledging else { return [] }
        var actions: [DeskAction] = []
        guard isOurs else {
            freeSlot(of: id, now: now)
            forget(id, &actions)
            advance(now: now, &actions)
            return actions
        }
        entries[id]?.isAcknowledged = true
        let isRevoked = isRevoked(entry.arrival, now: now)
        guard isRevoked || entry.kill != nil else {
            run(id, &actions)
            return actions
        }
        freeSlot(of: id, now: now)
        let revoke = Settlement.revoke(expired: false, terminated: false)
        settle(id, isRevoked ? revoke : settlement(ofStopped: entry, isAcknowledged: true), &actions)
        advance(now: now, &actions)
        return actions
    }

    /// A process works on it now: its time limits count from here.
    public mutating func started(_ id: DeliveryID, now: TaskTime) {
        guard let entry = entries[id], entry.phase == .running, entry.startedAt == nil else { return }
        if let batch = entry.batch { return startedInBatch(id, batch, now: now) }
        entries[id]?.startedAt = now
        limit(id, entry.arrival, now: now.instant)
    }

    /// Its executor said how the run ended.
    public mutating func ended(_ id: DeliveryID, _ end: RunEnd, now: TaskTime) -> [DeskAction] {
        guard let entry = entries[id], entry.phase == .running else { return [] }
        if entry.batch != nil { return endedInBatch(id, end, now: now) }
        var actions: [DeskAction] = []
        freeSlot(of: id, now: now)
        if entry.isAbandoned {
            forget(id, &actions)
        } else {
            learn(entry, end, now: now.instant)
            settle(id, settlement(of: entry, end, now: now), &actions)
        }
        advance(now: now, &actions)
        return actions
    }

    /// The broker was told what became of it. Not committed: its lease was lost, and nothing was stored.
    public mutating func settled(_ id: DeliveryID, isCommitted: Bool) {
        guard let place = entries.index(forKey: id), entries.values[place].phase == .settling,
            let settlement = entries.values[place].settlement
        else { return }
        leavePlace(entries.remove(at: place).value.arrival)
        guard isCommitted else { return counts.abandoned += 1 }
        switch settlement {
        case .succeed: counts.succeeded += 1
        case .fail: counts.failed += 1
        case .retry: counts.retried += 1
        case .revoke: counts.revoked += 1
        case .acknowledge: counts.acknowledged += 1
        case .giveBack, .postpone: counts.returned += 1
        case .bury: counts.buried += 1
        }
    }

    /// Runs that ended by themselves tell how long the next ones will take.
    ///
    /// - Parameter count: So many ran in one.
    mutating func learn(_ entry: Entry, _ end: RunEnd, among count: Int = 1, now: Instant) {
        guard let started = entry.startedAt, entry.kill == nil, end != .lost, end != .stopped else { return }
        let seconds = (now - started.instant).inSeconds / Double(max(count, 1))
        meanSeconds = meanSeconds.map { $0 + (seconds - $0) / 10 } ?? seconds
    }
}
