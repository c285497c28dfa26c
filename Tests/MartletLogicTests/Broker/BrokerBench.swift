import Testing

@testable import MartletLogic

/// A broker with a clock and a disk that a test moves by hand.
final class BrokerBench {
    var machine: BrokerMachine
    var now: Int64
    /// What a restart would find.
    private(set) var disk = Keyspace()

    init(now: Int64 = 1_000_000, _ change: (inout BrokerPolicy) -> Void = { _ in }) {
        self.now = now
        var policy = BrokerPolicy()
        change(&policy)
        machine = BrokerMachine(reader: .test, policy: policy, now: now)
        write()
    }

    /// The process ends and another one reads what was durable.
    func restart() {
        machine = BrokerMachine(keyspace: disk, reader: .test, policy: machine.policy, now: now)
        write()
    }

    @discardableResult
    func connect(_ id: Int64) -> ClientID {
        machine.opened(ClientID(id), address: "127.0.0.1:\(id)", localAddress: "127.0.0.1:6379", now: now)
        return ClientID(id)
    }

    /// Says a command, words apart by blanks, and answers all that happens.
    @discardableResult
    func say(_ id: Int64, _ words: String) -> [BrokerEffect] {
        say(id, words.split(separator: " ").map { Bytes($0) })
    }

    @discardableResult
    func say(_ id: Int64, _ words: [Bytes]) -> [BrokerEffect] {
        if machine.clients[ClientID(id)] == nil { connect(id) }
        machine.command(ClientID(id), words, now: now)
        return effects()
    }

    /// The answer to a command, or nil: it waits, or was told by another way.
    func answer(_ id: Int64, _ words: String) -> Answer? { Self.reply(to: id, in: say(id, words)) }

    func answer(_ id: Int64, _ words: [Bytes]) -> Answer? { Self.reply(to: id, in: say(id, words)) }

    @discardableResult
    func leave(_ id: Int64) -> [BrokerEffect] {
        machine.closed(ClientID(id), now: now)
        return effects()
    }

    @discardableResult
    func pass(milliseconds: Int64) -> [BrokerEffect] {
        now += milliseconds
        machine.wake(now: now)
        return effects()
    }

    /// The elements of a list, as a client sees them.
    func list(_ key: Bytes) -> [String] {
        answer(99, ["LRANGE", key, "0", "-1"])?.asList.map(\.text) ?? []
    }

    static func reply(to id: Int64, in effects: [BrokerEffect]) -> Answer? {
        for effect in effects {
            switch effect {
            case .reply(ClientID(id), let answer, _), .tell(ClientID(id), let answer, _): return answer
            default: continue
            }
        }
        return nil
    }

    private func effects() -> [BrokerEffect] {
        write()
        return machine.takeEffects()
    }

    private func write() {
        for mutation in machine.takeMutations() {
            let fits = disk.apply(mutation)
            #expect(fits, "\(mutation)")
        }
    }
}

extension Answer {
    /// What a pop of a list answers.
    static func popped(_ key: Bytes, _ element: Bytes) -> Answer { .array([.bulk(key), .bulk(element)]) }

    var errorText: String {
        if case .error(let code, let text) = self { "\(code) \(text)" } else { "" }
    }
}

extension MessageReader {
    /// Messages of tests: `{tag,task,eta}`, an eta of 0 for none, and `{tag,task,eta,again}` when it was given back.
    /// `[message]` is taken. `{…` that is no such message is broken.
    static let test = MessageReader(
        read: { bytes in
            guard bytes.text.hasPrefix("{") else { return .foreign("it is no message") }
            guard bytes.text.hasSuffix("}") else { return .broken("it has no end") }
            let parts = bytes.text.dropFirst().dropLast().split(separator: ",", omittingEmptySubsequences: false)
            guard parts.count >= 3, let eta = Int64(parts[2]) else { return .broken("it has too few parts") }
            return .message(
                BrokerMessage(
                    tag: Bytes(parts[0]), task: String(parts[1]), eta: eta == 0 ? nil : eta,
                    isRedelivered: parts.last == "again", routingKey: "q"))
        },
        taken: { bytes in
            bytes.text.hasPrefix("[") ? Bytes(bytes.text.dropFirst().dropLast()) : nil
        },
        reservation: { bytes, _ in Bytes("[\(bytes.text)]") },
        redelivered: { bytes in
            bytes.text.hasSuffix(",again}") ? bytes : Bytes(bytes.text.dropLast() + ",again}")
        })
}

extension BrokerBench {
    /// What kombu does before it uses a queue.
    func bind(_ queue: String, by id: Int64 = 1) {
        say(id, ["SADD", Bytes("_kombu.binding." + queue), Bytes("\(queue)\u{6}\u{16}\u{6}\u{16}\(queue)")])
    }

    /// A worker pops on one connection, and writes down on another what it was given.
    @discardableResult
    func take(_ tag: String, _ message: String, popping: Int64, noting: Int64) -> Answer? {
        let popped = answer(popping, "BRPOP q 1")
        note(tag, message, by: noting)
        return popped
    }

    func note(_ tag: String, _ message: String, by id: Int64) {
        say(id, "MULTI")
        say(id, "ZADD unacked_index \(now / 1000) \(tag)")
        say(id, "HSET unacked \(tag) [\(message)]")
        say(id, "EXEC")
    }

    func acknowledge(_ tag: String, by id: Int64) {
        say(id, "MULTI")
        say(id, "ZREM unacked_index \(tag)")
        say(id, "HDEL unacked \(tag)")
        say(id, "EXEC")
    }
}
