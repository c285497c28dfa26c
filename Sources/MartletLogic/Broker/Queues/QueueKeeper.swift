/// Keeps the promises of queues that Celery's Redis transport cannot keep: nothing popped is lost, nothing is served
/// before its time, what a dead worker had taken comes back at once, what kills every worker is put aside.
///
/// It follows what consumers do to the data. Popping puts a message in limbo, writing it down (`HSET unacked TAG …`)
/// makes it taken, removing it there (`HDEL unacked TAG`) acknowledges it. Its notes are in the hidden databases,
/// changed by mutations as all data.
struct QueueKeeper: Sendable {
    let reader: MessageReader
    let policy: BrokerPolicy
    var rooms = [QueueRoom](repeating: QueueRoom(), count: Keyspace.databaseCount)
    var workers = ConsumerTable()
    /// Messages that wait for their time: the lists they wait for.
    var due = DueHeap<Place>()
    /// When messages that were taken before the broker's start, and that nobody asked about, go back.
    var graceEnd: Int64?
    /// Messages that go back next, the last one first.
    var leaving: [(place: Place, isFailure: Bool)] = []
    var notes: [BrokerNote] = []

    private var order: UInt64 = 0
    /// Which tags each client has in limbo.
    private var limboOf: [ClientID: [Place]] = [:]
    /// What was acknowledged by the command that runs: a message that is given back is removed first.
    var acknowledged: Set<Place> = []

    init(reader: MessageReader, policy: BrokerPolicy) {
        self.reader = reader
        self.policy = policy
    }

    static func hidden(_ database: Int) -> Int { database + Keyspace.databaseCount }

    mutating func nextOrder() -> UInt64 {
        order += 1
        return order
    }

    mutating func takeNotes() -> [BrokerNote] {
        defer { notes = [] }
        return notes
    }

    // MARK: Consuming

    /// `client` was given a message: nobody else has it now.
    mutating func popped(
        _ message: Bytes, from list: Bytes, in database: Int, by client: ClientID, _ keyspace: inout Keyspace,
        now: Int64
    ) {
        guard rooms[database].bindings.isConsumed(list), case .message(let read) = reader.read(message), read.isTask
        else { return }
        rooms[database].returned[read.tag] = nil
        rooms[database].limbo[read.tag] = QueueRoom.Limbo(
            list: list, message: message, owner: client, order: nextOrder(), usualList: read.usualList)
        limboOf[client, default: []].append(Place(database: database, key: read.tag))
        _ = keyspace.run(
            .hset, [HiddenKey.limbo, read.tag, Record.pack([list, message])], in: Self.hidden(database), now: now)
    }

    /// `client` asks for the next message: what it was given before and never wrote down is its own concern.
    mutating func asksAgain(_ client: ClientID, _ keyspace: inout Keyspace, now: Int64) {
        for place in limboOf.removeValue(forKey: client) ?? [] {
            guard rooms[place.database].limbo[place.key]?.owner == client else { continue }
            forgetLimbo(place, &keyspace, now: now)
            forgetFailures(place, &keyspace, now: now)
        }
    }

    /// What `client` was given and never wrote down, in the order in which it was given.
    mutating func limbo(of client: ClientID) -> [Place] {
        (limboOf.removeValue(forKey: client) ?? []).filter { rooms[$0.database].limbo[$0.key]?.owner == client }
    }

    mutating func forgetLimbo(_ place: Place, _ keyspace: inout Keyspace, now: Int64) {
        rooms[place.database].limbo[place.key] = nil
        _ = keyspace.run(.hdel, [HiddenKey.limbo, place.key], in: Self.hidden(place.database), now: now)
    }

    // MARK: Following the data

    /// Takes note of a change in a client's database, made by a command of `client`.
    mutating func note(_ mutation: Mutation, by client: ClientID?, _ keyspace: inout Keyspace, now: Int64) {
        let (database, key) = (mutation.database, mutation.key)
        switch mutation.change {
        case .setFields(let fields):
            guard let client, !rooms[database].limbo.isEmpty || !rooms[database].returned.isEmpty else { return }
            for field in fields {
                noteTaken(Place(database: database, key: field.name), in: key, by: client, &keyspace, now: now)
            }
        case .score(let scored):
            for member in scored.map(\.member) {
                if rooms[database].limbo[member] != nil {
                    rooms[database].limbo[member]?.index = key
                } else if rooms[database].taken[member]?.index?.isEmpty == true {
                    rooms[database].taken[member]?.index = key
                }
            }
        case .removeFields(let names):
            guard rooms[database].hashes[key] != nil else { return }
            for name in names where rooms[database].taken[name]?.hash == key {
                noteAcknowledged(Place(database: database, key: name))
            }
        case .addMembers(let members): rooms[database].bindings.add(members, to: key)
        case .removeMembers(let members): rooms[database].bindings.remove(members, from: key)
        case .remove, .set, .move: noteGone(key, in: database)
        case .clear: clear(database, &keyspace, now: now)
        default: break
        }
    }

    /// The command that ran is over: what it acknowledged and did not give back is done.
    mutating func settle(_ keyspace: inout Keyspace, now: Int64) {
        guard !acknowledged.isEmpty else { return }
        for place in acknowledged {
            forgetFailures(place, &keyspace, now: now)
            forgetList(place, &keyspace, now: now)
        }
        acknowledged = []
    }

    private mutating func noteTaken(
        _ place: Place, in hash: Bytes, by client: ClientID, _ keyspace: inout Keyspace, now: Int64
    ) {
        let database = place.database
        var taken: QueueRoom.Taken
        var popper: ClientID?
        var usualList: Bytes?
        if let limbo = rooms[database].limbo[place.key] {
            forgetLimbo(place, &keyspace, now: now)
            popper = limbo.owner
            usualList = limbo.usualList
            taken = QueueRoom.Taken(list: limbo.list, hash: hash, index: limbo.index, order: limbo.order)
        } else if let list = recall(place, &keyspace, now: now) {
            taken = QueueRoom.Taken(list: list, hash: hash, index: nil, order: nextOrder())
        } else {
            return
        }
        taken.index = taken.index ?? rooms[database].hashes[hash] ?? ""
        reserve(place, taken, usualList: usualList, popper: popper, taker: client, &keyspace, now: now)
    }

    /// `taker` has a message now, and wrote it down.
    ///
    /// - Parameter usualList: where messages like it are by the usual rules.
    mutating func reserve(
        _ place: Place, _ taken: QueueRoom.Taken, usualList: Bytes?, popper: ClientID?, taker: ClientID,
        _ keyspace: inout Keyspace, now: Int64
    ) {
        let (database, hash, index) = (place.database, taken.hash, taken.index ?? "")
        rooms[database].taken[place.key] = taken
        workers.took(place, popper: popper, taker: taker)
        if usualList.map({ Self.key($0, beside: hash) }) != taken.list {
            rooms[database].noted.insert(place.key)
            _ = keyspace.run(
                .hset, [HiddenKey.lists, place.key, taken.list], in: Self.hidden(database), now: now)
        }
        guard rooms[database].hashes[hash] != index else { return }
        rooms[database].hashes[hash] = index
        _ = keyspace.run(.hset, [HiddenKey.hashes, hash, index], in: Self.hidden(database), now: now)
    }

    /// A message is no longer taken.
    mutating func forgetList(_ place: Place, _ keyspace: inout Keyspace, now: Int64) {
        guard !rooms[place.database].noted.isEmpty, rooms[place.database].noted.remove(place.key) != nil
        else { return }
        _ = keyspace.run(.hdel, [HiddenKey.lists, place.key], in: Self.hidden(place.database), now: now)
    }

    private mutating func noteAcknowledged(_ place: Place) {
        rooms[place.database].taken[place.key] = nil
        workers.gave(place)
        acknowledged.insert(place)
    }

    private mutating func noteGone(_ key: Bytes, in database: Int) {
        rooms[database].bindings.removeAll(of: key)
        guard rooms[database].hashes[key] != nil else { return }
        for (tag, taken) in rooms[database].taken where taken.hash == key {
            noteAcknowledged(Place(database: database, key: tag))
        }
    }

    /// All of a database is gone: its messages that wait for their time, too, even when there was nothing else.
    mutating func clear(_ database: Int, _ keyspace: inout Keyspace, now: Int64) {
        for tag in rooms[database].taken.keys { workers.gave(Place(database: database, key: tag)) }
        var bindings = rooms[database].bindings
        bindings.clear()
        rooms[database] = QueueRoom()
        rooms[database].bindings = bindings
        _ = keyspace.run(.flushdb, [], in: Self.hidden(database), now: now)
    }
}
