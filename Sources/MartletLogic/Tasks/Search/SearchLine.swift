public import MartletBase

/// The line of those who look for tasks on queues: one search at a time, made by who has stood there longest, for all
/// who look in the same place. However many ids are asked for, those that nobody knows above all, searches cost the
/// broker a bounded part of its time.
///
/// A search begins after all whom it is for have asked, so nobody is told what was true before. After a search the line
/// rests for some times as long as it took, a second at most.
///
/// ```
/// stands in line ── turn ──▶ is searched for ── ended ──▶ gone
///        ▲                          │ the searcher leaves
///        └──────────────────────────┘
/// ```
public struct SearchLine: Sendable {
    /// What is looked for.
    public struct Search: Sendable, Equatable {
        /// nil: on all queues.
        public var queue: String?
        public var ids: Set<String>
    }

    /// What an asker does now.
    public enum Turn: Sendable, Equatable {
        /// It searches, for itself and others.
        case search(Search)
        /// It waits until then, or until it is told to look again.
        case wait(until: Instant)
    }

    private struct Asker: Sendable {
        var number: Int
        var id: String
        var queue: String?
    }

    private struct Running: Sendable {
        var searcher: Int
        var askers: [Asker]
        var begun: Instant
    }

    private static let rests = 3
    private static let longestRest: Duration = .seconds(1)

    private let limit: Int
    /// The one who has stood longest comes first.
    private var standing: [Asker] = []
    private var running: Running?
    private var restEnd = Instant(nanoseconds: 0)
    private var lastNumber = 0

    /// - Parameter limit: more do not stand in line.
    public init(limit: Int) {
        self.limit = limit
    }

    /// Somebody asks. Its number; nil: too many do.
    public mutating func enter(_ id: String, queue: String?) -> Int? {
        guard standing.count < limit else { return nil }
        lastNumber += 1
        standing.append(Asker(number: lastNumber, id: id, queue: queue))
        return lastNumber
    }

    /// Whether it is this asker's turn.
    public mutating func turn(of number: Int, now: Instant) -> Turn {
        guard running == nil, let first = standing.first, first.number == number else { return .wait(until: .never) }
        guard now >= restEnd else { return .wait(until: restEnd) }
        let together = standing.filter { $0.queue == first.queue }
        standing.removeAll { $0.queue == first.queue }
        running = Running(searcher: number, askers: together, begun: now)
        return .search(Search(queue: first.queue, ids: Set(together.map(\.id))))
    }

    /// The search is over, however it ended: those whom it was for, with the ids that they asked for.
    public mutating func ended(now: Instant) -> [(number: Int, id: String)] {
        guard let search = running else { return [] }
        running = nil
        restEnd = now + min((now - search.begun) * Self.rests, Self.longestRest)
        return search.askers.map { ($0.number, $0.id) }
    }

    /// Somebody asks no more. Those whom its search was for stand in line again, before all others.
    public mutating func leave(_ number: Int) {
        standing.removeAll { $0.number == number }
        running?.askers.removeAll { $0.number == number }
        guard let search = running, search.searcher == number else { return }
        running = nil
        standing.insert(contentsOf: search.askers, at: 0)
    }

    /// Who has to look whether it is its turn; nil: nobody.
    public var next: Int? { running == nil ? standing.first?.number : nil }
}
