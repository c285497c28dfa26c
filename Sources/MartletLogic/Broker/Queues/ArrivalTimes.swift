/// Since when the messages of one list wait, about. Not every message has its time noted: marks lie some way apart, and
/// further the longer the list, so that a million messages cost no more than a few hundred.
struct ArrivalTimes: Sendable {
    private struct Mark {
        /// How many had come before.
        var place: Int64
        var time: Int64
    }

    private static let maximumMarks = 128
    private static let finestGrain: Int64 = 10

    /// In order; the first one is that of the message which is served next, or of one before it.
    private var marks: [Mark] = []
    /// What came at the tail, and what was taken at the head, since somebody counts.
    private var arrived: Int64 = 0
    private var taken: Int64 = 0
    /// Marks closer together than this, in milliseconds, are not made.
    private var grain = finestGrain

    init() {}

    /// So many are there already.
    init(_ length: Int, since start: Int64) { came(length, now: start) }

    /// Messages came at the tail.
    mutating func came(_ count: Int, now: Int64) {
        if taken >= arrived { (marks, grain) = ([], Self.finestGrain) }
        if marks.last.map({ now - $0.time >= grain }) ?? true { marks.append(Mark(place: arrived, time: now)) }
        arrived += Int64(count)
        if marks.count > Self.maximumMarks { thin() }
    }

    /// Messages were taken at the head. For how long the first of them had waited, in milliseconds.
    mutating func went(_ count: Int, now: Int64) -> Int64 {
        let waited = waiting(now: now)
        taken += Int64(count)
        forget()
        return waited
    }

    /// Messages came back to the head.
    mutating func returned(_ count: Int, now: Int64) {
        if marks.isEmpty { marks = [Mark(place: arrived, time: now)] }
        taken -= Int64(count)
    }

    /// For how long the next message has waited, in milliseconds; 0: there is none.
    func waiting(now: Int64) -> Int64 { marks.first.map { max(0, now - $0.time) } ?? 0 }

    /// The list has so many messages: whatever else took some of them is made good.
    mutating func settle(length: Int) {
        taken = arrived - Int64(length)
        forget()
    }

    /// Marks of messages that are gone.
    private mutating func forget() {
        while marks.count > 1, marks[1].place <= taken { marks.removeFirst() }
    }

    /// Leaves out every second mark: who came after one of those is taken for somewhat older.
    private mutating func thin() {
        marks = marks.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
        grain *= 2
    }
}

/// What the broker counts of the queues, since its start.
struct QueueTallies: Sendable {
    struct Tally: Sendable {
        /// Messages that came at the tail, those whose time came included.
        var published: UInt64 = 0
        /// Messages that were given to workers; again when they came back.
        var delivered: UInt64 = 0
        /// Over all deliveries, in milliseconds.
        var waited: UInt64 = 0
    }

    /// Names that clients make up must not fill the memory.
    private static let maximumQueues = 4096

    private(set) var tallies: [Place: Tally] = [:]
    private var times: [Place: ArrivalTimes] = [:]

    /// A list of a queue changed.
    mutating func note(_ change: Mutation.Change, of list: Place, queue: Place, now: Int64) {
        guard tallies[queue] != nil || tallies.count < Self.maximumQueues else { return }
        switch change {
        case .push(let messages, .left):
            times[list, default: ArrivalTimes()].came(messages.count, now: now)
            tallies[queue, default: Tally()].published += UInt64(messages.count)
        case .push(let messages, .right):
            times[list, default: ArrivalTimes()].returned(messages.count, now: now)
        case .pop(let count, .right):
            let waited = times[list]?.went(count, now: now) ?? 0
            tallies[queue, default: Tally()].delivered += UInt64(count)
            tallies[queue, default: Tally()].waited += UInt64(waited) * UInt64(count)
        case .remove, .move: times[list] = nil
        default: break
        }
    }

    mutating func clear(_ database: Int) {
        times = times.filter { $0.key.database != database }
    }

    /// For how long the next message of a list has waited, in milliseconds. What was there at the start of the broker
    /// is as old as that, as far as it knows.
    mutating func waiting(_ list: Place, length: Int, since start: Int64, now: Int64) -> Int64 {
        guard length > 0 else {
            times[list] = nil
            return 0
        }
        var known = times[list] ?? ArrivalTimes(length, since: start)
        known.settle(length: length)
        times[list] = known
        return known.waiting(now: now)
    }
}
