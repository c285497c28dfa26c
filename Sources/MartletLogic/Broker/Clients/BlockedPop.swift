/// A pop that waits for something to pop.
struct BlockedPop: Sendable {
    enum Kind: Sendable {
        case list(ListEnd)
        /// Onto another list.
        case move(from: ListEnd, to: ListEnd, destination: Bytes)
        case least, greatest
    }

    /// In the order in which they are looked at.
    var keys: [Bytes]
    var kind: Kind
    /// Milliseconds since 1970; nil: for ever.
    var deadline: Int64?
    var database: Int

    /// Whether what was popped is in its list again where a crash took the pop back.
    var isOfList: Bool { if case .list = kind { true } else { false } }

    /// What to answer when nothing came in time.
    var nothing: Answer {
        switch kind {
        case .list, .least, .greatest: .nullArray
        case .move: .null
        }
    }

    /// The type of what it pops from.
    var wanted: String {
        switch kind {
        case .list, .move: "list"
        case .least, .greatest: "zset"
        }
    }
}

/// An end of a list, as commands name it.
enum ListEnd: Sendable {
    case left, right

    init?(_ name: Bytes) {
        switch name.text.uppercased() {
        case "LEFT": self = .left
        case "RIGHT": self = .right
        default: return nil
        }
    }

    var name: Bytes { self == .left ? "LEFT" : "RIGHT" }
    var pop: KeyspaceCommand { self == .left ? .lpop : .rpop }
}

/// Who waits for which key: each key has a line, and who came first is first.
struct WaitingLines: Sendable {
    private var lines: [Place: [ClientID]] = [:]
    private var deadlines = DueHeap<ClientID>()
    /// Of those who do not wait for ever.
    private var ends: [ClientID: Int64] = [:]
    private(set) var count = 0

    /// How many deadlines are kept, of those who left early as well.
    var deadlineCount: Int { deadlines.count }
    var earliestDeadline: Int64? { deadlines.earliest }
    var isEmpty: Bool { count == 0 }

    mutating func join(_ client: ClientID, _ pop: BlockedPop) {
        count += 1
        for key in Set(pop.keys) { lines[Place(database: pop.database, key: key), default: []].append(client) }
        guard let deadline = pop.deadline else { return }
        ends[client] = deadline
        deadlines.insert(client, at: deadline)
    }

    mutating func leave(_ client: ClientID, _ pop: BlockedPop) {
        count -= 1
        ends[client] = nil
        forgetDeadlines()
        for key in Set(pop.keys) {
            let place = Place(database: pop.database, key: key)
            guard var line = lines.removeValue(forKey: place) else { continue }
            line.removeAll { $0 == client }
            if !line.isEmpty { lines[place] = line }
        }
    }

    func line(_ place: Place) -> [ClientID] { lines[place] ?? [] }

    /// The places of a database for which somebody waits.
    func places(in database: Int) -> [Place] {
        lines.keys.filter { $0.database == database }.sorted { $0.key < $1.key }
    }

    /// Who is served long before its deadline, again and again, must not leave them all behind.
    private mutating func forgetDeadlines() {
        guard deadlines.count > 2 * ends.count + 1024 else { return }
        deadlines = DueHeap()
        for (client, end) in ends.sorted(by: { $0.key < $1.key }) { deadlines.insert(client, at: end) }
    }

    /// A client whose time may be over; it may wait for something else by now.
    mutating func takeOverdue(now: Int64) -> ClientID? { deadlines.take(until: now) }
}
