/// What Redis does not have: questions of Martlet's own tools.
extension BrokerMachine {
    /// - `MARTLET HELD`: the lists for which messages wait for their time, and how many, by turns.
    /// - `MARTLET HELD list start count`: those messages, the earliest first.
    mutating func martlet(_ arguments: [Bytes], of id: ClientID, now: Int64) -> Answer {
        guard let database = clients[id]?.database else { return .null }
        let hidden = QueueKeeper.hidden(database)
        switch arguments[0].text.uppercased() {
        case "HELD": return held(arguments, in: database, hidden, now: now)
        default: return BrokerRefusal.unknownSubcommand(arguments[0], of: "martlet")
        }
    }

    private mutating func held(_ arguments: [Bytes], in database: Int, _ hidden: Int, now: Int64) -> Answer {
        switch arguments.count {
        case 1:
            let lists = queues.rooms[database].held.keys.sorted()
            return .array(
                lists.flatMap { list in
                    [.bulk(list), keyspace.run(.zcard, [HiddenKey.held(list)], in: hidden, now: now)]
                })
        case 4:
            guard let start = NumberText.integer(arguments[2]), let count = NumberText.integer(arguments[3]),
                0...Int64(Int32.max) ~= start, 1...10_000 ~= count
            else { return BrokerRefusal.notInteger }
            let range = [Bytes("\(start)"), Bytes("\(start + count - 1)")]
            return keyspace.run(.zrange, [HiddenKey.held(arguments[1])] + range, in: hidden, now: now)
        default: return BrokerRefusal.wrongCount("martlet|held")
        }
    }
}
