import MartletBase

/// The embedded broker's decisions: what each command of each connection answers, who waits for what, who hears what,
/// and what becomes of messages whose worker is gone.
///
/// Commands go in with the time; effects and mutations come out, to be taken after each call. Replies must not be
/// written before the mutations that came before them are durable. There is no clock and no socket here, so the same
/// calls have the same effects.
public struct BrokerMachine: Sendable {
    public let policy: BrokerPolicy
    public var facts: BrokerFacts
    /// The data. To be read by whoever writes a snapshot; changed by commands only.
    public internal(set) var keyspace: Keyspace
    /// What only a defect of the driver can cause.
    public internal(set) var impossible = Impossible()
    public internal(set) var counters = BrokerCounters()
    var tallies = QueueTallies()

    var clients: [ClientID: BrokerClient] = [:]
    var activities: [ClientID: ClientActivity] = [:]
    var queues: QueueKeeper
    var lines = WaitingLines()
    var subscriptions = Subscriptions()
    var watchers: [Place: Set<ClientID>] = [:]
    var loadedScripts: Set<BrokerScript> = []
    /// The answer to the present command says nothing for good.
    var isProvisional = false
    /// The commands of a transaction run.
    var isInTransaction = false
    /// What was watched until the transaction that runs.
    var watchedBefore: Set<Place> = []
    let startTime: Int64
    /// Seconds since 1970.
    var lastSave: Int64

    private var effects: [BrokerEffect] = []
    private var mutations: [Mutation] = []
    /// Where something may have come that somebody waits for.
    private var fed: [Place] = []

    /// - Parameters:
    ///   - keyspace: what the store had. What of it concerns dead workers is put right: take the mutations.
    ///   - now: milliseconds since 1970, here and everywhere.
    public init(
        keyspace: Keyspace = Keyspace(), reader: MessageReader, policy: BrokerPolicy = BrokerPolicy(),
        facts: BrokerFacts = BrokerFacts(), now: Int64
    ) {
        self.keyspace = keyspace
        self.policy = policy
        self.facts = facts
        queues = QueueKeeper(reader: reader, policy: policy)
        startTime = now
        lastSave = now / 1000
        queues.load(&self.keyspace, now: now)
        settle(nil, now: now)
    }

    /// What must be done, in order.
    public mutating func takeEffects() -> [BrokerEffect] {
        defer { effects = [] }
        return effects
    }

    /// What must be durable before the effects that came with it are seen: one record for the journal.
    public mutating func takeMutations() -> [Mutation] {
        defer { mutations = [] }
        return mutations
    }

    /// When `wake` has something to do; nil: only after another call.
    public var nextWake: Int64? {
        // Keys end unseen: it is enough to look at them a few times a second.
        [
            lines.earliestDeadline, queues.due.earliest, queues.graceEnd, queues.leaving.isEmpty ? nil : 0,
            keyspace.nextExpiry.map { $0 + 100 },
        ].compactMap { $0 }.min()
    }

    public var clientCount: Int { clients.count }

    /// Whether a client waits for something: its next commands must wait, too.
    public func isBlocked(_ id: ClientID) -> Bool { clients[id]?.blocked != nil }

    public func isAuthenticated(_ id: ClientID) -> Bool { clients[id]?.isAuthenticated == true }

    // MARK: Events

    /// A connection was accepted.
    public mutating func opened(_ id: ClientID, address: String, localAddress: String, now: Int64) {
        counters.connections += 1
        activities[id] = ClientActivity(time: now)
        clients[id] = BrokerClient(
            id, address: address, localAddress: localAddress, isAuthenticated: policy.password == nil, now: now)
    }

    /// A client said a command. `words` begin with its name.
    public mutating func command(_ id: ClientID, _ words: [Bytes], now: Int64) {
        guard let client = clients[id], let name = words.first else { return impossible.note("a command of nobody") }
        guard client.blocked == nil else { return impossible.note("a command of a client that waits") }
        guard !client.isClosing else { return }
        counters.commands += 1
        activities[id]?.time = now
        isProvisional = false
        if let answer = answer(to: name, Array(words.dropFirst()), of: id, now: now) {
            reply(id, answer, isProvisional: isProvisional)
        }
        settle(id, now: now)
    }

    /// A connection is gone, however it ended.
    public mutating func closed(_ id: ClientID, now: Int64) {
        guard let client = clients[id] else { return impossible.note("a connection is gone twice") }
        if let pop = client.blocked { lines.leave(id, pop) }
        unwatch(id)
        unsubscribeAll(id)
        clients[id] = nil
        activities[id] = nil
        queues.left(id, &keyspace, now: now)
        settle(nil, now: now)
    }

    /// Time passed: waits end, messages come due, keys end.
    public mutating func wake(now: Int64) {
        while let id = lines.takeOverdue(now: now) {
            guard let pop = clients[id]?.blocked, let deadline = pop.deadline, deadline <= now else { continue }
            unblock(id, with: pop.nothing)
        }
        queues.serveDue(&keyspace, now: now)
        queues.endGrace(&keyspace, now: now)
        queues.leaveOn(&keyspace, now: now)
        _ = keyspace.expireSome(now: now, limit: 256)
        settle(nil, now: now)
    }

    /// A snapshot was written.
    public mutating func saved(now: Int64) { lastSave = now / 1000 }

    // MARK: Effects

    mutating func reply(_ id: ClientID, _ answer: Answer, isProvisional: Bool = false) {
        let version = clients[id]?.version ?? .two
        effects.append(isProvisional ? .tell(id, answer, version) : .reply(id, answer, version))
    }

    mutating func push(_ id: ClientID, _ message: [Answer]) {
        effects.append(.push(id, .array(message), clients[id]?.version ?? .two))
    }

    mutating func close(_ id: ClientID) {
        clients[id]?.isClosing = true
        effects.append(.close(id))
    }

    mutating func save() { effects.append(.snapshot) }

    /// A client waits no longer.
    mutating func unblock(_ id: ClientID, with answer: Answer) {
        guard let pop = clients[id]?.blocked else { return }
        lines.leave(id, pop)
        clients[id]?.blocked = nil
        reply(id, answer, isProvisional: pop.isOfList)
        effects.append(.resume(id))
    }

    // MARK: Changes

    /// Takes in what a command changed: who watches it, who keeps it, who waits for it.
    mutating func absorb(_ id: ClientID?, now: Int64) {
        while !keyspace.mutations.isEmpty {
            let new = keyspace.takeMutations()
            for mutation in new where mutation.database < Keyspace.databaseCount {
                noteChange(mutation)
                tally(mutation, now: now)
                queues.note(mutation, by: id, &keyspace, now: now)
            }
            mutations += new
        }
    }

    /// A command is over: those who waited for what it brought are served.
    private mutating func settle(_ id: ClientID?, now: Int64) {
        absorb(id, now: now)
        while !fed.isEmpty {
            let places = fed
            fed = []
            for place in places { serveLine(at: place, now: now) }
        }
        queues.settle(&keyspace, now: now)
        absorb(nil, now: now)
        for note in queues.takeNotes() {
            switch note {
            case .deadLettered: counters.deadLetters += 1
            case .returned(let count, _): counters.returned += UInt64(count)
            }
            effects.append(.note(note))
        }
    }

    /// Counts what comes to queues and leaves them.
    private mutating func tally(_ mutation: Mutation, now: Int64) {
        switch mutation.change {
        case .push, .pop, .remove, .move:
            let bindings = queues.rooms[mutation.database].bindings
            guard bindings.isQueue(mutation.key), !Self.isPrivate(mutation.key) else { return }
            let list = Place(database: mutation.database, key: mutation.key)
            let queue = Place(database: mutation.database, key: bindings.queue(of: mutation.key))
            tallies.note(mutation.change, of: list, queue: queue, now: now)
        case .clear: tallies.clear(mutation.database)
        default: break
        }
    }

    private mutating func noteChange(_ mutation: Mutation) {
        let place = Place(database: mutation.database, key: mutation.key)
        switch mutation.change {
        case .clear: touchAll(in: mutation.database)
        case .swap(let other):
            for database in [mutation.database, other] {
                touchAll(in: database)
                fed += lines.places(in: database)
            }
        case .move(let database, let key), .copy(let database, let key):
            touch(place)
            let destination = Place(database: database, key: key)
            touch(destination)
            feed(destination)
        case .push, .score:
            touch(place)
            feed(place)
        default: touch(place)
        }
    }

    private mutating func feed(_ place: Place) {
        if !lines.isEmpty { fed.append(place) }
    }
}

/// What the broker counted since its start.
public struct BrokerCounters: Sendable, Equatable {
    public var connections: UInt64 = 0
    public var commands: UInt64 = 0
    public var published: UInt64 = 0
    public var deadLetters: UInt64 = 0
    /// Messages that went back to their queues because their worker was gone.
    public var returned: UInt64 = 0
}
