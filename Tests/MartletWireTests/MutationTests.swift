import MartletBase
import MartletWire
import NIOCore
import Testing

/// No bytes may end the process, and how they are cut may not change what they mean.
@Suite("Mutated bytes neither trap nor change with their pieces")
struct MutationTests {
    /// Small changes at random places, of the kinds that parsers trip over.
    static func mutate(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = bytes
        let special: [UInt8] = [0, 9, 10, 13, 32, 34, 44, 45, 48, 58, 59, 92, 95, 123, 125, 127, 128, 255]
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[place] = special.randomElement(using: &random) ?? 0
            case 1: bytes.insert(special.randomElement(using: &random) ?? 0, at: place)
            case 2: bytes.remove(at: place)
            case 3: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 4: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 12)], at: place)
            default: bytes.removeSubrange(place..<min(bytes.count, place + 5))
            }
        }
        return bytes
    }

    @Test("Requests", arguments: 0..<8)
    func requests(_ seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        for (number, item) in try CorpusCase.load().enumerated()
        where number % 8 == seed && item.bytes.count < 600 {
            for _ in 0..<8 {
                let bytes = Self.mutate(item.bytes, &random)
                let whole = requestOutcome(bytes, .whole)
                #expect(requestOutcome(bytes, .single) == whole, "\(bytes)")
                #expect(requestOutcome(bytes, .every(Int.random(in: 2...20, using: &random))) == whole, "\(bytes)")
            }
        }
    }

    @Test("Responses", arguments: 0..<8)
    func responses(_ seed: Int) {
        var random = SeededRandom(seed: UInt64(100 + seed))
        for item in ResponseParserTests.cases where item.text.utf8.count < 300 {
            for _ in 0..<8 {
                let text = String(decoding: Self.mutate(Array(item.text.utf8), &random), as: UTF8.self)
                let whole = ResponseParserTests.outcome(text, ends: true)
                #expect(ResponseParserTests.outcome(text, .single, ends: true) == whole, "\(text.debugDescription)")
                #expect(ResponseParserTests.outcome(text, .every(5), ends: true) == whole, "\(text.debugDescription)")
            }
        }
    }

    @Test("Bodies", arguments: 0..<8)
    func bodies(_ seed: Int) {
        var random = SeededRandom(seed: UInt64(200 + seed))
        for body in ModelPeekTests.accepted.map(\.body) + ModelPeekTests.refused where body.utf8.count < 600 {
            for _ in 0..<8 {
                let bytes = Self.mutate(Array(body.utf8), &random)
                let whole = ModelPeekTests.peek(bytes, .whole)
                #expect(ModelPeekTests.peek(bytes, .single) == whole)
                var scanner = UsageScanner()
                scanner.feed(bytes.span)
                var pieces = UsageScanner()
                Pieces.every(3).forEach(bytes) { pieces.feed(Array($0).span) }
                #expect(scanner.usage == pieces.usage)
            }
        }
    }
}
