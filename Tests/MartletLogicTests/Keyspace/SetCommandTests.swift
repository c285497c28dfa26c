import Testing

@testable import MartletLogic

@Suite("Sets")
struct SetCommandTests {
    private let shell = Shell(seed: 3)

    @Test("members are added, asked for and removed, and an empty set is no key")
    func members() {
        shell.play(
            """
            SADD s a b a -> 2
            SADD s b c -> 1
            SCARD s -> 3
            SMEMBERS s -> <a b c>
            SISMEMBER s a -> 1
            SISMEMBER s x -> 0
            SMISMEMBER s a x -> [1 0]
            SMISMEMBER none a -> [0]
            SREM s a x a -> 1
            SREM s b c -> 2
            EXISTS s -> 0
            SMEMBERS s -> <>
            SET k v -> OK
            SADD k a -> WRONGTYPE Operation against a key holding the wrong kind of value
            """)
    }

    @Test("sets are joined, cut and subtracted")
    func several() {
        shell.play(
            """
            SADD a 1 2 3 -> 3
            SADD b 2 3 4 -> 3
            SUNION a b none -> <1 2 3 4>
            SINTER a b -> <2 3>
            SINTER a none -> <>
            SDIFF a b -> <1>
            SDIFF none a -> <>
            SET k v -> OK
            SINTER none k -> WRONGTYPE Operation against a key holding the wrong kind of value
            SMOVE a b 1 -> 1
            SMOVE a b 9 -> 0
            SMOVE none k 1 -> 0
            SMOVE a k 2 -> WRONGTYPE Operation against a key holding the wrong kind of value
            SMEMBERS b -> <1 2 3 4>
            """)
    }

    @Test("members are chosen by chance: popped ones go, random ones stay, negative counts may repeat")
    func chance() {
        _ = shell("SADD s a b c d e f g h i j")
        guard case .set(let popped) = shell.run(.spop, ["s", "4"]),
            case .array(let chosen) = shell.run(.srandmember, ["s", "5"]),
            case .array(let repeated) = shell.run(.srandmember, ["s", "-50"])
        else { return #expect(Bool(false), "collections are answered") }
        #expect(Set(popped.map(\.shown)).count == 4)
        #expect(Set(chosen.map(\.shown)).count == 5)
        #expect(Set(chosen.map(\.shown)).isDisjoint(with: popped.map(\.shown)))
        #expect(repeated.count == 50)
        #expect(Set(repeated.map(\.shown)).count > 3)
        shell.play(
            """
            SCARD s -> 6
            SPOP s -1 -> ERR value is out of range, must be positive
            SPOP s 1 2 -> ERR syntax error
            SRANDMEMBER s 0 -> []
            SRANDMEMBER s -9223372036854775807 -> ERR value is out of range, \
            value must between -1048576 and 9223372036854775807
            SPOP none -> nil
            SPOP none 2 -> <>
            SRANDMEMBER none -> nil
            SRANDMEMBER none 2 -> []
            """)
        #expect(shell("SPOP s 100").split(separator: " ").count == 6)
        #expect(shell("EXISTS s") == "0")
    }

    @Test("every member is chosen about as often")
    func fairness() {
        _ = shell("SADD s a b c d")
        var counts: [String: Int] = [:]
        for _ in 0..<4000 { counts[shell("SRANDMEMBER s"), default: 0] += 1 }
        #expect(counts.count == 4)
        #expect(counts.values.allSatisfy { (900...1100).contains($0) }, "\(counts)")
    }

    @Test("a scan answers members")
    func scan() {
        shell.play(
            """
            SADD s a b -> 2
            SSCAN s 0 -> [0 [a b]]
            SSCAN s 0 MATCH b* -> [0 [b]]
            """)
    }
}
