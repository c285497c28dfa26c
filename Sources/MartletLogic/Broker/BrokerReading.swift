/// The broker's numbers at one moment, for metrics and `INFO`.
public struct BrokerReading: Sendable, Equatable {
    /// One queue of a database, all its priorities together.
    public struct Queue: Sendable, Equatable {
        public var database: Int
        public var name: String
        /// Messages that a worker may take now.
        public var ready = 0
        /// Messages that wait for their time.
        public var delayed = 0
        /// Messages that workers have, and did not acknowledge.
        public var taken = 0
        /// Messages that were given to workers too often.
        public var dead = 0
        /// For how long the next message waits, in milliseconds; 0: there is none.
        public var oldestMilliseconds: Int64 = 0
        /// Since the start of the broker.
        public var published: UInt64 = 0
        public var delivered: UInt64 = 0
        /// Over all deliveries, in milliseconds.
        public var waitedMilliseconds: UInt64 = 0
    }

    /// In the order of their databases and names.
    public var queues: [Queue] = []
    public var clients = 0
    /// Of those, the ones that wait in a pop.
    public var blocked = 0
    public var counters = BrokerCounters()
    public var memoryBytes = 0
    public var maximumBytes = 0
    public var journal = BrokerFacts.Journal()
}

extension BrokerMachine {
    /// More queues are not told apart.
    public static let mostQueuesRead = 500

    /// What there is now. It changes nothing that a client sees, but keys whose time is over go: take the mutations.
    public mutating func reading(now: Int64) -> BrokerReading {
        var reading = BrokerReading()
        for database in 0..<Keyspace.databaseCount {
            let room = Self.mostQueuesRead - reading.queues.count
            reading.queues += readQueues(of: database, now: now).prefix(room)
        }
        reading.clients = clients.count
        reading.blocked = lines.count
        reading.counters = counters
        reading.memoryBytes = keyspace.bytes
        reading.maximumBytes = policy.maximumBytes
        reading.journal = facts.journal
        absorb(nil, now: now)
        return reading
    }

    private mutating func readQueues(of database: Int, now: Int64) -> [BrokerReading.Queue] {
        let bindings = queues.rooms[database].bindings
        let names = bindings.queues.filter { !Self.isPrivate($0) }.sorted().prefix(Self.mostQueuesRead)
        guard !names.isEmpty else { return [] }
        var found: [Bytes: BrokerReading.Queue] = [:]
        for name in names { found[name] = readQueue(name, in: database, now: now) }
        for taken in queues.rooms[database].taken.values { found[bindings.queue(of: taken.list)]?.taken += 1 }
        for limbo in queues.rooms[database].limbo.values { found[bindings.queue(of: limbo.list)]?.taken += 1 }
        for list in queues.rooms[database].held.keys {
            let held = keyspace.run(
                .zcard, [HiddenKey.held(list)], in: QueueKeeper.hidden(database), now: now).asInteger
            found[bindings.queue(of: list)]?.delayed += Int(held)
        }
        return names.compactMap { found[$0] }
    }

    private mutating func readQueue(_ name: Bytes, in database: Int, now: Int64) -> BrokerReading.Queue {
        var queue = BrokerReading.Queue(database: database, name: name.text)
        // The usual steps; who chose others has them in no count of these.
        let lists = [0, 3, 6, 9].map { Bindings.list(name, priority: $0) }
        for list in lists {
            let length = Int(keyspace.run(.llen, [list], in: database, now: now).asInteger)
            queue.ready += length
            let place = Place(database: database, key: list)
            let waiting = tallies.waiting(place, length: length, since: startTime, now: now)
            queue.oldestMilliseconds = max(queue.oldestMilliseconds, waiting)
        }
        let dead = keyspace.run(.llen, [QueueKeeper.deadLetters(of: name)], in: database, now: now)
        queue.dead = Int(dead.asInteger)
        if let tally = tallies.tallies[Place(database: database, key: name)] {
            queue.published = tally.published
            queue.delivered = tally.delivered
            queue.waitedMilliseconds = tally.waited
        }
        return queue
    }

    /// Queues of single processes, for control and events: they come and go, and say nothing about work.
    static func isPrivate(_ queue: Bytes) -> Bool {
        queue.array.suffix(pidbox.count).elementsEqual(pidbox) || queue.array.starts(with: events)
    }

    private static let pidbox = Array(".pidbox".utf8)
    private static let events = Array("celeryev".utf8)
}
