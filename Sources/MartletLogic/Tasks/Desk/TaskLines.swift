import MartletBase

/// First in, first out, without moving the others.
struct WaitingLine<Element: Sendable>: Sendable {
    private var elements: [Element?] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }
    var count: Int { elements.count - head }
    var first: Element? { isEmpty ? nil : elements[head] }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func removeFirst() {
        guard !isEmpty else { return }
        elements[head] = nil
        head += 1
        guard head == elements.count || head > 64 && head > elements.count / 2 else { return }
        elements.removeFirst(head)
        head = 0
    }
}

/// The tasks of one name that wait for its rate.
struct RateLine: Sendable {
    var bucket: TokenBucket
    var waiting = WaitingLine<DeliveryID>()

    var isEmpty: Bool { waiting.isEmpty }

    /// No burst, as with Celery: tasks begin at even distances.
    init(_ limit: RateLimit, now: Instant) { bucket = TokenBucket(perSecond: limit.perSecond, now: now) }
}

/// How many tasks of each key are on their way or run, and who waits for one of them to end.
struct KeyLanes: Sendable {
    /// What a limit is counted for.
    struct Lane: Hashable, Sendable {
        /// Nil: tasks of any name.
        var name: String?
        var key: String
    }

    private struct Places: Sendable {
        var taken = 0
        var waiting = WaitingLine<DeliveryID>()
    }

    private var lanes: [Lane: Places] = [:]

    /// Lanes that are remembered.
    var count: Int { lanes.count }

    /// Takes a place; false: there is none, and it waits for one.
    mutating func enter(_ lane: Lane, _ id: DeliveryID, limit: Int) -> Bool {
        let isFree = lanes[lane].map { $0.taken < limit && $0.waiting.isEmpty } ?? true
        if isFree {
            lanes[lane, default: Places()].taken += 1
        } else {
            lanes[lane, default: Places()].waiting.append(id)
        }
        return isFree
    }

    mutating func leave(_ lane: Lane) {
        guard let taken = lanes[lane]?.taken, taken > 0 else { return }
        lanes[lane]?.taken = taken - 1
    }

    func first(in lane: Lane) -> DeliveryID? { lanes[lane]?.waiting.first }

    mutating func removeFirst(in lane: Lane) { lanes[lane]?.waiting.removeFirst() }

    /// Gives a place to the first that waits; false: there is none.
    mutating func grantFirst(in lane: Lane, limit: Int) -> Bool {
        guard let taken = lanes[lane]?.taken, taken < limit else { return false }
        lanes[lane]?.taken = taken + 1
        lanes[lane]?.waiting.removeFirst()
        return true
    }

    /// Forgets a lane that nobody is in.
    mutating func tidy(_ lane: Lane) {
        if let places = lanes[lane], places.taken == 0, places.waiting.isEmpty { lanes[lane] = nil }
    }
}
