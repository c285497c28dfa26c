import MartletBase
import Testing

@testable import MartletLogic

/// Random commands on few keys, so that they meet each other.
private struct CommandSource {
    private var random: SplitMix64
    private let names = KeyspaceCommand.allCases
    private static let options: [Bytes] = [
        "LEFT", "RIGHT", "NX", "XX", "EX", "PX", "WITHSCORES", "BYSCORE", "REV", "REPLACE", "BEFORE", "INCR",
    ]

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func number(below limit: UInt64) -> Int { Int(random.next() % limit) }

    private mutating func word() -> Bytes {
        switch number(below: 6) {
        case 0: Bytes("k\(number(below: 8))")
        case 1: Bytes("m\(number(below: 40))")
        case 2: Bytes("\(number(below: 12) - 4)")
        case 3: Bytes("\(number(below: 1000))")
        case 4: Self.options[number(below: UInt64(Self.options.count))]
        default: Bytes("v\(number(below: 5))")
        }
    }

    /// The keys are of the kind that the command wants, mostly.
    mutating func next() -> (KeyspaceCommand, [Bytes]) {
        var command = names[number(below: UInt64(names.count))]
        if [.flushall, .flushdb].contains(command), number(below: 20) > 0 { command = .hset }
        if number(below: 4) == 0 { command = [.rpush, .hset, .sadd, .zadd, .expire][number(below: 5)] }
        let count = (0...5).filter(command.accepts).randomElement(using: &random) ?? 1
        var arguments = (0..<count).map { _ in word() }
        for index in arguments.indices where command.keys(in: arguments).contains(arguments[index]) {
            arguments[index] = Bytes("\(command.family)\(number(below: 4))")
        }
        if command == .zadd, count >= 3 { arguments[1] = Bytes("\(number(below: 50))") }
        if [.expire, .pexpire].contains(command) { arguments[1] = Bytes("\(number(below: 2000))") }
        return (command, arguments)
    }
}

@Suite("Replay")
struct KeyspaceReplayTests {
    @Test("who applies the mutations of another has its data, whatever was done", arguments: 0..<20 as Range<UInt64>)
    func replay(seed: UInt64) throws {
        var source = CommandSource(seed: seed)
        var keyspace = Keyspace(seed: seed)
        var replica = Keyspace(seed: seed + 1)
        var now: Int64 = 1_700_000_000_000
        var writes = 0
        for step in 0..<3000 {
            let (command, arguments) = source.next()
            now += Int64(source.number(below: 20))
            let before = command.effect == .writes ? nil : keyspace
            let answer = keyspace.run(command, arguments, in: source.number(below: 2), now: now)
            if step % 100 == 0 { keyspace.expireSome(now: now, limit: 3) }
            let mutations = keyspace.takeMutations()
            if answer.isError { #expect(mutations.allSatisfy { $0.change == .remove }, "\(command) \(arguments)") }
            if let before, mutations.isEmpty { #expect(keyspace == before, "\(command) \(arguments)") }
            writes += mutations.count
            for mutation in try MutationCodec.decode(MutationCodec.encode(mutations)) {
                let fits = replica.apply(mutation)
                #expect(fits, "\(mutation) after \(command) \(arguments)")
            }
        }
        #expect(writes > 500)
        #expect(replica == keyspace)
        #expect(replica.bytes == keyspace.bytes)
        #expect(replica.nextExpiry == keyspace.nextExpiry)
        var rebuilt = Keyspace()
        keyspace.forEachMutation(size: 64) { mutation in
            let fits = rebuilt.apply(mutation)
            #expect(fits, "\(mutation)")
        }
        #expect(rebuilt == keyspace)
        #expect(rebuilt.bytes == keyspace.bytes)
        #expect(rebuilt.nextExpiry == keyspace.nextExpiry)
        for database in 0..<2 { _ = keyspace.run(.flushdb, [], in: database, now: now) }
        for database in 2..<16 { _ = keyspace.run(.flushdb, [], in: database, now: now) }
        #expect(keyspace.bytes == 0)
    }

    @Test("a mutation that does not fit is refused and changes nothing")
    func refused() {
        let shell = Shell()
        _ = shell("SET s v")
        _ = shell("RPUSH l a")
        let before = shell.keyspace
        let misfits: [(Bytes, Mutation.Change)] = [
            ("s", .push(["a"], .left)), ("l", .append("x")), ("l", .pop(2, .left)), ("l", .setElement(1, "x")),
            ("l", .insertElement(2, "x")), ("l", .keepElements(from: 0, count: 2)), ("none", .remove),
            ("none", .expire(5)), ("none", .pop(1, .left)), ("none", .move(toDatabase: 0, key: "x")),
            ("none", .removeFields(["f"])), ("l", .addMembers(["m"])), ("s", .score([.init("m", 1)])),
            ("s", .overwrite(at: Int.max, with: "x")), ("s", .swap(withDatabase: 40)), ("s", .copy(toDatabase: 0, key: "s")),
        ]
        for (key, change) in misfits {
            #expect(!shell.apply(Mutation(database: 0, key: key, change: change)), "\(change)")
        }
        #expect(!shell.apply(Mutation(database: 32, key: "s", change: .remove)))
        #expect(shell.keyspace == before)
        #expect(shell.keyspace.bytes == before.bytes)
    }

    @Test("small changes have small mutations: a pop, a push, a field, a score")
    func effects() {
        let shell = Shell()
        _ = shell("RPUSH l a b c")
        _ = shell("HSET h f v")
        _ = shell("ZADD z 1 m")
        _ = shell.changes()
        _ = shell("LPOP l")
        _ = shell("RPOPLPUSH l m")
        _ = shell("HDEL h f none")
        _ = shell("ZADD z GT 5 m")
        _ = shell("ZADD z GT 2 m")
        _ = shell("SREM none x")
        #expect(
            shell.changes() == [
                .pop(1, .left), .pop(1, .right), .push(["c"], .left), .removeFields(["f"]), .score([.init("m", 5)]),
            ])
    }

    @Test("a key whose time is over leaves by a mutation, touched or not")
    func expiry() {
        let shell = Shell()
        _ = shell("MSET a 1 b 2 c 3")
        _ = shell("PEXPIRE a 10")
        _ = shell("PEXPIRE b 20")
        #expect(shell.keyspace.nextExpiry == shell.now + 10)
        _ = shell.changes()
        shell.now += 10
        #expect(shell("GET a") == "nil")
        #expect(shell.changes() == [.remove])
        #expect(shell.keyspace.nextExpiry == shell.now + 10)
        #expect(shell.expireSome(after: 9) == 0)
        #expect(shell.expireSome(after: 10) == 1)
        #expect(shell.changes() == [.remove])
        #expect(shell.keyspace.nextExpiry == nil)
        #expect(shell.keyspace.count(in: 0) == 1)
    }

    @Test("the estimate of memory follows what is held")
    func bytes() {
        let shell = Shell()
        _ = shell("SET k \(String(repeating: "x", count: 10_000))")
        #expect((10_000...10_400).contains(shell.keyspace.bytes))
        for index in 0..<1000 { _ = shell("ZADD z \(index) member\(index)") }
        // At most 200 bytes beside the member's own.
        #expect((100_000...230_000).contains(shell.keyspace.bytes))
        _ = shell("DEL k z")
        #expect(shell.keyspace.bytes == 0)
    }

    @Test("a copy is a snapshot: what comes later is not in it")
    func snapshot() {
        let shell = Shell()
        _ = shell("RPUSH l a b")
        let copy = shell.keyspace
        _ = shell("RPUSH l c")
        var rebuilt = Keyspace()
        copy.forEachMutation { rebuilt.apply($0) }
        let length = rebuilt.run(.llen, ["l"], in: 0, now: 0)
        #expect(length == .integer(2))
    }
}
