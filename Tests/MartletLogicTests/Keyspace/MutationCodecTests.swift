import MartletBase
import Testing

@testable import MartletLogic

@Suite("Mutations as bytes")
struct MutationCodecTests {
    private let changes: [Mutation.Change] = [
        .set("v", expiry: nil), .set("", expiry: 1_700_000_000_000), .set("v", expiry: -1), .append("x"),
        .overwrite(at: 300, with: "x"), .expire(5), .expire(Int64.max), .expire(nil), .remove,
        .move(toDatabase: 31, key: "t"), .copy(toDatabase: 0, key: "t"), .clear, .swap(withDatabase: 15),
        .push(["a", "", "c"], .left), .push(["a"], .right), .pop(1, .left), .pop(1 << 40, .right), .setElement(0, "x"),
        .insertElement(129, "x"), .removeElements("x", 3, .left), .removeElements("x", Int.max, .right),
        .keepElements(from: 1, count: 2), .setFields([.init("f", "v"), .init("", "")]), .removeFields(["f"]),
        .addMembers(["m", "n"]), .removeMembers([]), .score([.init("m", -.infinity), .init("n", 0.1)]), .unscore(["m"]),
    ]

    private var mutations: [Mutation] {
        changes.enumerated().map { Mutation(database: $0 % 32, key: Bytes("key\($0)"), change: $1) }
    }

    @Test("what is written is read")
    func roundTrip() throws {
        #expect(try MutationCodec.decode(MutationCodec.encode(mutations)) == mutations)
        #expect(try MutationCodec.decode(MutationCodec.encode([])) == [])
        for mutation in mutations { #expect(try MutationCodec.decode(MutationCodec.encode([mutation])) == [mutation]) }
    }

    @Test("a push takes few bytes beside its own")
    func size() {
        let push = Mutation(database: 0, key: "celery", change: .push([Bytes(Array(repeating: 1, count: 900))], .left))
        #expect(MutationCodec.encode([push]).count <= 900 + 6 + 8)
    }

    @Test("every cut is refused, or is a shorter list of the same")
    func cuts() {
        let bytes = MutationCodec.encode(mutations)
        for end in 0..<bytes.count {
            guard let read = try? MutationCodec.decode(Array(bytes[..<end])) else { continue }
            #expect(read == Array(mutations.prefix(read.count)))
        }
    }

    @Test(
        "garbage is refused",
        arguments: [
            [], [2], [1, 0], [1, 99, 0, 0], [1, 7, 32, 0], [1, 7, 0, 5, 1], [1, 1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
            // A length of more than 64 bits, a count of elements that cannot be there, a score that is no number.
            [1, 1, 0, 0] + [UInt8](repeating: 0xFF, count: 10), [1, 16, 0, 0, 0xFF, 0xFF, 0x03],
            [1, 36, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xF8, 0x7F],
        ] as [[UInt8]])
    func garbage(bytes: [UInt8]) {
        #expect(throws: MutationCodec.Malformed.self) { try MutationCodec.decode(bytes) }
    }

    @Test("random damage is refused or read, and never more than that; what was read can be applied or is refused")
    func damage() {
        var random = SplitMix64(seed: 9)
        let bytes = MutationCodec.encode(mutations)
        for _ in 0..<20_000 {
            var damaged = bytes
            for _ in 0...(random.next() % 3) {
                damaged[Int(random.next() % UInt64(damaged.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            guard let read = try? MutationCodec.decode(damaged) else { continue }
            var keyspace = Keyspace()
            // As small as can be, so that no offset asks for much memory.
            keyspace.longestString = 1000
            for mutation in read { keyspace.apply(mutation) }
        }
    }
}
