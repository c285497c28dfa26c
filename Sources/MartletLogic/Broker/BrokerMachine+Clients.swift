/// Who a connection is, and how it wants to be spoken to.
extension BrokerMachine {
    func ping(_ arguments: [Bytes], of id: ClientID) -> Answer {
        // Counted here and not at the door: as in Redis, a transaction takes it and runs.
        guard arguments.count < 2 else { return BrokerRefusal.wrongCount("ping") }
        guard let client = clients[id], client.version == .two, client.subscriptions > 0 else {
            return arguments.first.map { .bulk($0) } ?? .simple("PONG")
        }
        return .array([.bulk("pong"), .bulk(arguments.first ?? "")])
    }

    mutating func select(_ index: Bytes, of id: ClientID) -> Answer {
        guard let number = Int(index.text) else { return BrokerRefusal.notInteger }
        guard 0..<Keyspace.databaseCount ~= number else { return BrokerRefusal.error("DB index is out of range") }
        clients[id]?.database = number
        return .ok
    }

    mutating func auth(_ arguments: [Bytes], of id: ClientID) -> Answer {
        let user = arguments.count == 2 ? arguments[0] : "default"
        guard policy.password != nil || arguments.count == 2 else {
            return BrokerRefusal.error(
                "AUTH <password> called without any password configured for the default user. Are you sure your "
                    + "configuration is correct?")
        }
        guard isRight(user, arguments[arguments.count - 1]) else { return BrokerRefusal.wrongPassword }
        clients[id]?.isAuthenticated = true
        return .ok
    }

    /// Compares all bytes, however early they differ: time tells nothing.
    private func isRight(_ user: Bytes, _ password: Bytes) -> Bool {
        guard user == "default" else { return false }
        guard let right = policy.password else { return true }
        var difference = right.count ^ password.count
        for index in password.array.indices {
            difference |= Int(password.array[index] ^ (index < right.count ? right.array[index] : 0))
        }
        return difference == 0
    }

    /// `HELLO [version [AUTH user password] [SETNAME name]]`
    mutating func hello(_ arguments: [Bytes], of id: ClientID) -> Answer {
        var version: ReplyVersion?
        var rest = arguments[...]
        if let first = rest.popFirst() {
            guard let number = Int(first.text) else {
                return BrokerRefusal.error("Protocol version is not an integer or out of range")
            }
            guard let known = ReplyVersion(rawValue: number) else {
                return .error(code: "NOPROTO", text: "unsupported protocol version")
            }
            version = known
        }
        var name: Bytes?
        while let option = rest.popFirst() {
            switch option.text.uppercased() {
            case "AUTH" where rest.count >= 2:
                let user = rest.removeFirst()
                guard isRight(user, rest.removeFirst()) else { return BrokerRefusal.wrongPassword }
                clients[id]?.isAuthenticated = true
            case "SETNAME" where !rest.isEmpty:
                let wanted = rest.removeFirst()
                guard Self.isName(wanted) else { return Self.badName }
                name = wanted
            default: return BrokerRefusal.error("Syntax error in HELLO option '\(option.text)'")
            }
        }
        guard clients[id]?.isAuthenticated == true else {
            return .error(
                code: "NOAUTH",
                text: "HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH "
                    + "<user> <pass> option can be used to authenticate the client and select the RESP protocol "
                    + "version at the same time")
        }
        if let version { clients[id]?.version = version }
        if let name { clients[id]?.name = name }
        return .map([
            Answer.Pair(.bulk("server"), .bulk("redis")),
            Answer.Pair(.bulk("version"), .bulk(Bytes(facts.redisVersion))),
            Answer.Pair(.bulk("proto"), .integer(Int64((clients[id]?.version ?? .two).rawValue))),
            Answer.Pair(.bulk("id"), .integer(id.rawValue)),
            Answer.Pair(.bulk("mode"), .bulk("standalone")),
            Answer.Pair(.bulk("role"), .bulk("master")),
            Answer.Pair(.bulk("modules"), .array([])),
        ])
    }

    /// As if the connection were new.
    mutating func reset(_ id: ClientID) -> Answer {
        clients[id]?.transaction = nil
        unwatch(id)
        unsubscribeAll(id)
        clients[id]?.database = 0
        clients[id]?.version = .two
        clients[id]?.name = ""
        clients[id]?.isAuthenticated = policy.password == nil
        return .simple("RESET")
    }

    mutating func clientCommand(_ arguments: [Bytes], of id: ClientID, now: Int64) -> Answer? {
        let rest = Array(arguments.dropFirst())
        switch (arguments[0].text.uppercased(), rest.count) {
        case ("ID", 0): return .integer(id.rawValue)
        case ("GETNAME", 0):
            let name = clients[id]?.name ?? ""
            return name.isEmpty ? .null : .bulk(name)
        case ("SETNAME", 1):
            guard Self.isName(rest[0]) else { return Self.badName }
            clients[id]?.name = rest[0]
            return .ok
        case ("SETINFO", 2): return setInfo(rest[0], rest[1], of: id)
        case ("INFO", 0): return .bulk(Bytes((clients[id].map { line($0, now: now) } ?? "") + "\n"))
        case ("LIST", _):
            let lines = clients.values.sorted { $0.id < $1.id }.map { line($0, now: now) + "\n" }
            return .bulk(Bytes(lines.joined()))
        case ("NO-EVICT", 1), ("NO-TOUCH", 1): return .ok
        case ("KILL", 1...): return kill(rest, by: id)
        case ("ID", _), ("GETNAME", _), ("SETNAME", _), ("SETINFO", _), ("INFO", _), ("KILL", _):
            return BrokerRefusal.wrongCount("client|\(arguments[0].text.lowercased())")
        default: return BrokerRefusal.unknownSubcommand(arguments[0], of: "client")
        }
    }

    private mutating func setInfo(_ attribute: Bytes, _ value: Bytes, of id: ClientID) -> Answer {
        guard Self.isName(value) else {
            return BrokerRefusal.error("\(attribute.text) cannot contain spaces, newlines or special characters.")
        }
        switch attribute.text.uppercased() {
        case "LIB-NAME": clients[id]?.libraryName = value
        case "LIB-VER": clients[id]?.libraryVersion = value
        default: return BrokerRefusal.error("Unrecognized option '\(attribute.text)'")
        }
        return .ok
    }

    /// `CLIENT KILL address`, or `CLIENT KILL` with `ID`, `ADDR`, `LADDR`, `TYPE`, `USER` and `SKIPME`.
    private mutating func kill(_ arguments: [Bytes], by id: ClientID) -> Answer? {
        if arguments.count == 1 {
            guard let client = clients.values.first(where: { $0.address == arguments[0].text }) else {
                return BrokerRefusal.error("No such client")
            }
            return endAll([client.id], by: id, answer: .ok)
        }
        guard arguments.count.isMultiple(of: 2) else { return BrokerRefusal.syntax }
        var isSparing = true
        var victims = Array(clients.values)
        for index in stride(from: 0, to: arguments.count, by: 2) {
            let value = arguments[index + 1].text
            switch arguments[index].text.uppercased() {
            case "ID":
                guard let number = Int64(value), number > 0 else {
                    return BrokerRefusal.error("client-id should be greater than 0")
                }
                victims.removeAll { $0.id.rawValue != number }
            case "ADDR": victims.removeAll { $0.address != value }
            case "LADDR": victims.removeAll { $0.localAddress != value }
            case "USER": if value != "default" { victims = [] }
            case "TYPE":
                switch value.lowercased() {
                case "normal": victims.removeAll { $0.subscriptions > 0 }
                case "pubsub": victims.removeAll { $0.subscriptions == 0 }
                case "master", "replica", "slave": victims = []
                default: return BrokerRefusal.error("Unknown client type '\(value)'")
                }
            case "SKIPME":
                switch value.lowercased() {
                case "yes": isSparing = true
                case "no": isSparing = false
                default: return BrokerRefusal.syntax
                }
            default: return BrokerRefusal.syntax
            }
        }
        if isSparing { victims.removeAll { $0.id == id } }
        return endAll(victims.map(\.id).sorted(), by: id, answer: .integer(Int64(victims.count)))
    }

    /// The answer is the last that a client hears which ends itself.
    private mutating func endAll(_ victims: [ClientID], by id: ClientID, answer: Answer) -> Answer? {
        for victim in victims where victim != id { close(victim) }
        guard victims.contains(id) else { return answer }
        reply(id, answer)
        close(id)
        return nil
    }

    private static func isName(_ name: Bytes) -> Bool {
        name.array.allSatisfy { 0x21...0x7e ~= $0 }
    }

    private static let badName = BrokerRefusal.error(
        "Client names cannot contain spaces, newlines or special characters.")

    private func line(_ client: BrokerClient, now: Int64) -> String {
        client.line(activities[client.id] ?? ClientActivity(time: now), now: now)
    }
}
