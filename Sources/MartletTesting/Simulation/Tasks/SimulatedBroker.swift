import MartletBase
import MartletLogic

/// One message of the simulated broker. A task that is tried again has another one.
struct SimulatedMessage: Equatable {
    let tag: Int
    let task: Int
    let name: String
    let queue: String
    var priority = 0
    var key: String?
    var eta: Int64?
    var expires: Int64?
    var hardLimit: Double?
    var retries = 0
    var deliveries = 0
}

/// What a broker does, without its faults: lists, leases with rising tokens, and the fence.
struct SimulatedBroker {
    struct Lease {
        var message: SimulatedMessage
        var token: Int
        var end: Instant
    }

    let lease: Duration
    private(set) var lists: [DeskPull.List: [SimulatedMessage]] = [:]
    private(set) var delayed: [SimulatedMessage] = []
    private(set) var leases: [Int: Lease] = [:]
    private var lastToken = 0
    /// Who has places of a key; those whose lease is over have none.
    private var places: [String: [Lease]] = [:]

    init(lease: Duration) { self.lease = lease }

    var isEmpty: Bool { leases.isEmpty && delayed.isEmpty && lists.values.allSatisfy(\.isEmpty) }

    mutating func put(_ message: SimulatedMessage, atHead: Bool = false) {
        let list = DeskPull.List(queue: message.queue, step: WorkerDesk.steps[min(message.priority / 3, 3)])
        if atHead {
            lists[list, default: []].insert(message, at: 0)
        } else {
            lists[list, default: []].append(message)
        }
    }

    /// Pops and reserves in one step.
    mutating func take(_ pull: DeskPull, now: Instant) -> [Lease] {
        var taken: [Lease] = []
        for list in pull.lists where taken.count < pull.count {
            let count = min(pull.count - taken.count, lists[list]?.count ?? 0)
            guard count > 0, let first = lists[list]?.prefix(count) else { continue }
            lists[list]?.removeFirst(count)
            for var message in first {
                lastToken += 1
                message.deliveries += 1
                let lease = Lease(message: message, token: lastToken, end: now + lease)
                leases[message.tag] = lease
                taken.append(lease)
            }
        }
        return taken
    }

    /// Whether the lease is still whose token that is.
    func holds(_ lease: Lease) -> Bool { leases[lease.message.tag]?.token == lease.token }

    /// Takes a place of its key, of which there are so many; false: there is none.
    mutating func enter(_ lease: Lease, _ key: String, limit: Int) -> Bool {
        let others = (places[key] ?? []).filter { holds($0) && $0.message.tag != lease.message.tag }
        guard holds(lease), others.count < limit else { return false }
        places[key] = others + [lease]
        return true
    }

    mutating func renew(_ lease: Lease, now: Instant) -> Bool {
        guard holds(lease) else { return false }
        leases[lease.message.tag]?.end = now + self.lease
        return true
    }

    /// Acknowledges; false: the fence refused it.
    mutating func remove(_ lease: Lease) -> Bool {
        guard holds(lease) else { return false }
        leases[lease.message.tag] = nil
        return true
    }

    mutating func giveBack(_ message: SimulatedMessage, atHead: Bool) {
        var message = message
        // What was never run does not count.
        if atHead { message.deliveries -= 1 }
        put(message, atHead: atHead)
    }

    mutating func postpone(_ message: SimulatedMessage) {
        var message = message
        message.deliveries -= 1
        delayed.append(message)
    }

    /// Leases that are over, and messages whose time has come, go back to their lists.
    mutating func pass(now: TaskTime) {
        for tag in leases.filter({ $0.value.end <= now.instant }).keys.sorted() {
            guard let lease = leases.removeValue(forKey: tag) else { continue }
            put(lease.message)
        }
        let due = delayed.filter { $0.eta ?? 0 <= now.wall }
        guard !due.isEmpty else { return }
        delayed.removeAll { $0.eta ?? 0 <= now.wall }
        for message in due { put(message) }
    }
}
