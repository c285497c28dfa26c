import Foundation
import MartletBase
import MartletKnowledge
import MartletLogic
import MartletTelemetry
import Testing

@Suite("The numbers of the knowledge room", .timeLimit(.minutes(1)))
struct ReadingsTests {
    private static let rules = "年假每年十天。\n\n差旅报销须在出差结束后30天内提交。"

    private func count(_ counts: [Readings.Knowledge.Count], _ kind: String) -> UInt64? {
        counts.first { $0.kind == kind }?.count
    }

    @Test("What is taken in is counted, and not again where nothing changed")
    func ingested() async throws {
        try await DeskFixture.run { fixture in
            let begun = Date().timeIntervalSince1970
            let added = try await fixture.add("a.md", Self.rules)
            try await fixture.add("a.md", Self.rules)
            let readings = await fixture.desk.readings()
            #expect(readings.ingested.documents == 1 && readings.ingested.chunks == UInt64(added.chunks))
            #expect(readings.ingested.bytes == UInt64(Self.rules.utf8.count))
            #expect(count(readings.embeddings, "passage") == 1 && count(readings.embeddingErrors, "passage") == 0)
            #expect((readings.reading, readings.waiting) == (0, 0))
            let base = try #require(readings.bases.first)
            #expect((base.name, base.documents, base.chunks) == (DeskFixture.base, 1, added.chunks))
            #expect(base.ageSeconds >= 0 && base.ageSeconds <= Date().timeIntervalSince1970 - begun + 1)
        }
    }

    @Test("A search has its time in each arm and as a whole; words alone have none of the vectors'")
    func searches() async throws {
        try await DeskFixture.run { fixture in
            try await fixture.add("a.md", Self.rules)
            _ = try await fixture.search("年假")
            _ = try await fixture.search("报销")
            let found = await fixture.desk.readings().searches
            #expect(found.map(\.arm) == ["words", "vectors", "whole"])
            #expect(found.map(\.duration.count) == [2, 2, 2])
            _ = try await fixture.engine.search(RetrievalQuery(text: "年假"), model: nil, in: DeskFixture.base)
            #expect(await fixture.desk.readings().searches.map(\.duration.count) == [3, 2, 2])
        }
    }

    @Test("Every question is counted once, by what became of it, and so is what the cache did")
    func answers() async throws {
        let model = FakeModel(saying: "年假每年十天[1]。")
        try await DeskFixture.run(model: model) { fixture in
            try await fixture.add("a.md", Self.rules)
            _ = try await fixture.ask("年假每年十天吗")
            _ = try await fixture.ask("年假每年十天吗")
            var alone = Question("报销须在几天内提交", bases: [DeskFixture.base])
            alone.model = ""
            _ = try await Heard(fixture.desk.answer(alone))
            await #expect(throws: KnowledgeError.self) {
                try await Heard(fixture.desk.answer(Question("年假", bases: ["none"])))
            }
            let readings = await fixture.desk.readings()
            #expect(count(readings.answers, "answered") == 1 && count(readings.answers, "cached") == 1)
            #expect(count(readings.answers, "degraded") == 1 && count(readings.answers, "failed") == 1)
            #expect(readings.answers.reduce(0) { $0 + $1.count } == 4)
            #expect(count(readings.cache, "hit") == 1 && count(readings.cache, "kept") == 1)
            #expect(readings.answersUnderWay == 0)
        }
    }

    @Test("Who leaves before the end is counted as gone, not as an error")
    func left() async throws {
        let bases = FakeBases(["年假每年十天。"], isOpen: false)
        let meter = KnowledgeMeter()
        let answerer = Answerer(source: bases, model: nil, meter: meter)
        let reader = Task { try await Heard(answerer.answer(Question("年假", bases: ["a"]))) }
        await bases.gate.arrivals(1)
        reader.cancel()
        _ = await reader.result
        // Nobody waits any more for the answer to end, and so nobody is told.
        var readings = Readings.Knowledge()
        while readings.answers.allSatisfy({ $0.count == 0 }) {
            await Task.yield()
            meter.fill(&readings)
        }
        #expect(count(readings.answers, "left") == 1 && count(readings.answers, "failed") == 0)
    }

    @Test("Of very many bases the largest have numbers of their own, and those that are nobody's have none")
    func bounded() async throws {
        try await DeskFixture.run { fixture in
            for number in 0..<105 { try await fixture.desk.create(BaseSettings(name: "b\(number)")) }
            try await fixture.add("a.md", Self.rules)
            let all = await fixture.desk.readings()
            #expect((all.baseCount, all.bases.count, all.bases[0].name) == (106, 100, DeskFixture.base))
            let shown = await fixture.desk.readings { $0 != DeskFixture.base }
            #expect(shown.baseCount == 105 && !shown.bases.contains { $0.name == DeskFixture.base })
        }
    }
}
