/// Martlet's own workers: they pop and write down in one step, so nothing of theirs is ever in limbo.
extension QueueKeeper {
    /// `client` took a message, which is in `hash` now. How often it was delivered, this time included.
    mutating func leased(
        _ message: BrokerMessage, from list: Bytes, in database: Int, hash: Bytes, index: Bytes, by client: ClientID,
        _ keyspace: inout Keyspace, now: Int64
    ) -> Int {
        let place = Place(database: database, key: message.tag)
        if !rooms[database].returned.isEmpty { rooms[database].returned[message.tag] = nil }
        reserve(
            place, QueueRoom.Taken(list: list, hash: hash, index: index, order: nextOrder()),
            usualList: message.usualList, popper: nil, taker: client, &keyspace, now: now)
        return rooms[database].failures[message.tag, default: 0] + 1
    }

    /// `client` works on a message: it may have taken it on a connection that is gone, or before the broker's start.
    mutating func renewed(_ place: Place, by client: ClientID) {
        guard rooms[place.database].taken[place.key] != nil else { return }
        workers.took(place, popper: nil, taker: client)
    }

    /// Nobody renewed these leases, of which the oldest comes first: each goes back to its list.
    mutating func lapsed(
        _ leases: [(tag: Bytes, list: Bytes)], in database: Int, hash: Bytes, index: Bytes,
        _ keyspace: inout Keyspace, now: Int64
    ) {
        for (tag, list) in leases {
            rooms[database].taken[tag] = QueueRoom.Taken(list: list, hash: hash, index: index, order: nextOrder())
        }
        giveBackTaken(
            leases.map { Place(database: database, key: $0.tag) }, isFailure: true, &keyspace, now: now)
    }
}
