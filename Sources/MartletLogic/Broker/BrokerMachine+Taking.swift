/// Pops messages and writes them down, in one step.
extension BrokerMachine {
    /// What one take of many messages may be long, in bytes: it is one record of the journal, and one answer.
    private static let takenBytes = 8 << 20

    mutating func take(
        _ arguments: ArraySlice<Bytes>, from lists: ArraySlice<Bytes>, _ leases: LeaseKeys
    ) -> Answer {
        guard let wanted = arguments.first.flatMap(NumberText.integer) else { return BrokerRefusal.notInteger }
        var (rest, room) = (Int(clamping: wanted), Self.takenBytes)
        var lease: Int64?
        var answer: [Answer] = []
        var refusal: Answer?
        for (place, list) in lists.enumerated() {
            while rest > 0, room > 0 {
                let popped = run(.rpop, [list, Bytes("\(min(rest, 16))")], leases)
                if popped.isError { refusal = refusal ?? popped }
                let messages = read(popped.asList, from: list, leases)
                guard !messages.isEmpty else {
                    if popped.asList.isEmpty { break }
                    continue
                }
                let number = lease ?? run(.incr, [leases.counter], leases).asInteger
                lease = number
                writeDown(messages, from: list, lease: number, leases)
                if answer.isEmpty { answer.append(.integer(number)) }
                for (bytes, message) in messages {
                    let deliveries = queues.leased(
                        message, from: list, in: leases.database, hash: leases.unacked, index: leases.index,
                        by: leases.client, &keyspace, now: leases.now)
                    answer += [
                        .integer(Int64(place + 1)), .bulk(message.tag), .integer(Int64(deliveries)), .bulk(bytes),
                    ]
                    room -= bytes.count
                }
                rest -= messages.count
            }
        }
        return answer.isEmpty ? refusal ?? .array([]) : .array(answer)
    }

    /// What is no message is put aside: it must not stand in the way of others, nor be lost.
    private mutating func read(
        _ popped: [Bytes], from list: Bytes, _ leases: LeaseKeys
    ) -> [(bytes: Bytes, message: BrokerMessage)] {
        popped.compactMap { bytes in
            if case .message(let message) = queues.reader.read(bytes) { return (bytes, message) }
            let place = Place(database: leases.database, key: "")
            queues.bury(bytes, place, from: list, &keyspace, now: leases.now)
            return nil
        }
    }

    private mutating func writeDown(
        _ messages: [(bytes: Bytes, message: BrokerMessage)], from list: Bytes, lease: Int64, _ leases: LeaseKeys
    ) {
        let text = LeaseText.of(lease, list: list)
        let (database, now) = (leases.database, leases.now)
        keyspace.score(
            messages.map { Mutation.Scored($0.message.tag, leases.seconds) }, in: leases.index, of: database, now: now)
        keyspace.set(
            messages.map { Mutation.Field($0.message.tag, queues.reader.reservation($0.bytes, $0.message)) },
            of: leases.unacked, in: database, now: now)
        keyspace.set(
            messages.map { Mutation.Field($0.message.tag, text) }, of: leases.leases, in: database, now: now)
    }
}
