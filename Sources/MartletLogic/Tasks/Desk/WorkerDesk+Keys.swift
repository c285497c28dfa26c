import MartletBase

/// A place that a task needs among those of its key, of which there are so many for all workers together.
public struct KeyWish: Sendable, Equatable {
    public var id: DeliveryID
    public var key: String
    public var limit: Int

    public init(id: DeliveryID, key: String, limit: Int) {
        self.id = id
        self.key = key
        self.limit = limit
    }
}

/// The tasks here that wait for a place of one key.
struct KeyLine: Sendable {
    /// Between two questions whose answer was no; doubled each time.
    static let pauses: (first: Duration, last: Duration) = (.milliseconds(50), .milliseconds(250))
    /// Until a broker that did not answer is asked again.
    static let silence = Duration.seconds(1)

    var waiting = WaitingLine<DeliveryID>()
    /// Those that the broker was, and is to be, asked for first.
    var front: [DeliveryID] = []
    /// For so many of them the answer is awaited.
    var asked = 0
    var isAsking: Bool { asked > 0 }
    /// The broker said no before; nil: it is to be asked.
    var notBefore: Instant?
    var pause = KeyLine.pauses.first
    /// Somebody left since it was asked.
    var isOutdated = false
}

/// Limits of keys that messages state, which all workers keep together; those of rules are each worker's own, as are
/// those of messages without a key. A place is bound to the lease of its message: who has lost that has no place. Those
/// that wait for one have no slot, and others go on.
extension WorkerDesk {
    /// Asked for at a time for one key.
    private static let askedAtOnce = 16

    /// False: it needs no place, or has no lease while it runs that one could be bound to.
    mutating func joinSharedKey(_ id: DeliveryID, _ arrival: TaskArrival) -> Bool {
        guard let key = arrival.key, arrival.keyConcurrency != nil, rules[arrival.name]?.acksLate != false else {
            return false
        }
        keyLines[key, default: KeyLine()].waiting.append(id)
        entries[id]?.phase = .waitsForPlace
        blockedCount += 1
        return true
    }

    /// Slots that nobody has, nor may have by an answer that is awaited: a place without one would keep other workers
    /// from running.
    private var slotsForPlaces: Int {
        slots - running - placesAskedFor - placed.count { entries[$0]?.phase == .ready }
    }

    /// Slots are kept for them.
    var placesAskedFor: Int { keyLines.values.reduce(0) { $0 + $1.asked } }

    /// Asks the broker for those that nobody asked for, or that it said no to a while ago: for all keys at once, as
    /// many as there are slots for.
    mutating func askKeys(now: Instant, _ actions: inout [DeskAction]) {
        placed.removeAll { entries[$0]?.phase != .ready }
        var free = slotsForPlaces
        guard free > 0 else { return }
        var wishes: [KeyWish] = []
        // By turns: a key of which there is always one more would keep the others out.
        let keys = keyLines.keys.sorted()
        for key in keys.filter({ $0 > keyAskedLast }) + keys.filter({ $0 <= keyAskedLast }) where free > 0 {
            guard var line = keyLines.removeValue(forKey: key) else { continue }
            if !line.isAsking, line.notBefore.map({ $0 <= now }) ?? true {
                line.front.removeAll { entries[$0]?.phase != .waitsForPlace }
                while line.front.count < Self.askedAtOnce, let next = line.waiting.first {
                    line.waiting.removeFirst()
                    if entries[next]?.phase == .waitsForPlace { line.front.append(next) }
                }
                guard !line.front.isEmpty else { continue }
                line.asked = min(line.front.count, free)
                free -= line.asked
                keyAskedLast = key
                (line.isOutdated, line.notBefore) = (false, nil)
                wishes += line.front.prefix(line.asked).map { id in
                    KeyWish(id: id, key: key, limit: max(entries[id]?.arrival.keyConcurrency ?? 1, 1))
                }
            }
            keyLines[key] = line
        }
        if !wishes.isEmpty { actions.append(.enter(wishes)) }
    }

    /// The broker said who has a place now; nil: it could not be asked.
    public mutating func entered(_ wishes: [KeyWish], _ verdicts: [Bool]?, now: TaskTime) -> [DeskAction] {
        for key in Set(wishes.map(\.key)) { rest(key, verdicts == nil ? KeyLine.silence : nil, now: now.instant) }
        for (wish, isIn) in zip(wishes, verdicts ?? []) where isIn {
            guard let entry = entries[wish.id], entry.phase == .waitsForPlace else { continue }
            blockedCount -= 1
            keyLines[wish.key]?.notBefore = nil
            keyLines[wish.key]?.pause = KeyLine.pauses.first
            proceed(wish.id, entry.arrival)
            placed.append(wish.id)
        }
        var actions: [DeskAction] = []
        advance(now: now, &actions)
        return actions
    }

    /// Unless somebody has left meanwhile, nobody asks for a while.
    private mutating func rest(_ key: String, _ given: Duration?, now: Instant) {
        guard var line = keyLines.removeValue(forKey: key) else { return }
        line.asked = 0
        line.notBefore = line.isOutdated && given == nil ? nil : now + (given ?? line.pause)
        line.pause = min(line.pause * 2, KeyLine.pauses.last)
        keyLines[key] = line
    }

    /// Its message is over, and its place is free.
    mutating func leavePlace(_ arrival: TaskArrival) {
        guard !keyLines.isEmpty, let key = arrival.key else { return }
        keyLines[key]?.notBefore = nil
        keyLines[key]?.isOutdated = true
    }

    /// When the broker is to be asked next; `.never`: nobody waits, it is being asked, or there is no slot.
    func nextKeyQuestion(now: Instant) -> Instant {
        guard !keyLines.isEmpty, slotsForPlaces > 0 else { return .never }
        return keyLines.values.reduce(.never) { earliest, line in
            line.isAsking ? earliest : min(earliest, line.notBefore ?? now)
        }
    }
}
