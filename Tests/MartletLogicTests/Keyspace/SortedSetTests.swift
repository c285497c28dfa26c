import MartletBase
import Testing

@testable import MartletLogic

@Suite("The structure of a sorted set")
struct SortedSetTests {
    private func ordered(_ model: [Bytes: Double]) -> [Mutation.Scored] {
        model.map { Mutation.Scored($0.key, $0.value) }
            .sorted { $0.score == $1.score ? $0.member < $1.member : $0.score < $1.score }
    }

    @Test("it is the sorted array that a model would be, at every rank")
    func model() {
        var random = SplitMix64(seed: 7)
        var sorted = SortedSet()
        var model: [Bytes: Double] = [:]
        for step in 0..<6000 {
            let member = Bytes("m\(random.next() % 400)")
            if random.next() % 3 == 0 {
                let wasHere = sorted.remove(member)
                #expect(wasHere == (model[member] != nil))
                model[member] = nil
            } else {
                let score = Double(random.next() % 50)
                let isNew = sorted.set(member, score: score)
                #expect(isNew == (model[member] == nil))
                model[member] = score
            }
            guard step % 97 == 0 else { continue }
            let expected = ordered(model)
            #expect(sorted.elements(in: 0..<sorted.count) == expected)
            let first = Int(random.next() % UInt64(expected.count + 1))
            #expect(sorted.elements(in: first..<expected.count) == Array(expected[first...]))
            for (rank, element) in expected.enumerated() where rank % 17 == 0 {
                #expect(sorted.rank(of: element.member) == rank)
                #expect(sorted.score(of: element.member) == element.score)
            }
        }
    }

    @Test("members that come in order, or in reverse, do not make it slow")
    func sortedInput() {
        var sorted = SortedSet()
        for index in 0..<50_000 { sorted.set(Bytes("m\(index)"), score: Double(index < 25_000 ? index : -index)) }
        #expect(sorted.rank(of: "m49999") == 0)
        #expect(sorted.rank(of: "m24999") == 49_999)
        // A degenerate tree would need more than 300 million steps here.
        for index in 0..<50_000 { sorted.remove(Bytes("m\(index)")) }
        #expect(sorted.isEmpty)
    }

    @Test("a scan finds all that stays, while members come and go")
    func scan() {
        var table = Table<Int>()
        for index in 0..<300 { table.insert(Bytes("stays\(index)"), index) }
        var seen = Set<Bytes>()
        var cursor: UInt64 = 0
        var round = 0
        repeat {
            let (places, next) = table.scan(from: cursor, count: 10)
            for place in places { seen.insert(table.entries[place].key) }
            cursor = next
            round += 1
            // It grows far, then shrinks again: buckets split and join under the cursor.
            if round < 10 {
                for index in 0..<500 { table.insert(Bytes("goes\(round).\(index)"), 0) }
            } else if round < 19 {
                for index in 0..<500 { table.find(Bytes("goes\(round - 9).\(index)")).map { table.remove(at: $0) } }
            }
        } while cursor != 0
        #expect(seen.filter { $0.text.hasPrefix("stays") }.count == 300)
    }
}
