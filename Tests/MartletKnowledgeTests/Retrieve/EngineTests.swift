import Foundation
import MartletKnowledge
import MartletLogic
import Testing

/// What every engine does: the same sentences for each of them.
@Suite("A knowledge engine", .timeLimit(.minutes(3)))
struct EngineTests {
    @Test(
        "What was put is found with its place and why, is gone when its deletion returns, and is read back",
        arguments: EngineKind.available)
    func life(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { fixture, engine in
            let change = try await engine.put("假期.md", ["员工每年有十天年假。", "病假照付工资。"], metadata: ["year": .number(2024)])
            try await engine.put("travel.md", ["Trains are booked by the office."])
            let found = try await engine.search("年假有几天")
            let first = try #require(found.first)
            #expect(first.chunk == Chunk(text: "员工每年有十天年假。", range: 0..<10, place: .page(1), headings: ["H"]))
            #expect(first.document == DocumentVersion(base: EngineFixture.base, name: "假期.md", version: change.epoch))
            #expect(first.metadata == ["year": .number(2024)])
            #expect(first.id == change.added.first)
            #expect((first.why.wordRank, first.why.vectorRank) == (1, 1))
            #expect(first.why.matched == ["年假"])
            #expect(found.allSatisfy { 0...1 ~= $0.score })
            #expect(found.map(\.score) == found.map(\.score).sorted(by: >))
            let text = try await engine.text(of: first.document)
            #expect(text.text == "员工每年有十天年假。病假照付工资。")
            #expect((text.title, text.places.count, text.headings.count) == ("T", 2, 1))
            let rest = try await engine.chunks(of: "假期.md", in: EngineFixture.base, from: 1, atMost: 9)
            #expect(rest.map(\.chunk.text) == ["病假照付工资。"])
            #expect(try await engine.base(EngineFixture.base).chunks == 3)
            let gone = try await engine.delete(["假期.md", "none"], from: EngineFixture.base, files: true)
            #expect(gone.unknown == ["none"])
            #expect(gone.change.removed == change.added)
            #expect(try await engine.search("年假有几天").map(\.document.name) == ["travel.md"])
            await #expect(throws: KnowledgeError.self) { try await engine.text(of: first.document) }
            #expect(try await engine.documents(in: EngineFixture.base).map(\.document.name) == ["travel.md"])
        }
    }

    @Test(
        "A question in another language than the documents is answered by its vector alone",
        arguments: EngineKind.available)
    func otherLanguage(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { _, engine in
            try await engine.put("a", ["员工每年有十天年假。"])
            let passage = try #require(try await engine.search("holiday").first)
            #expect(passage.why.wordScore == nil && passage.why.matched == [] && passage.why.vectorWeight == 1)
            #expect(abs(passage.score - max(0, passage.why.cosine ?? -1)) < 1e-9)
        }
    }

    @Test(
        "Filters hold before the best are chosen, and scores below the least are left out",
        arguments: EngineKind.available)
    func filters(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { _, engine in
            for year in 2000..<2030 {
                try await engine.put(
                    "report-\(year)", ["the annual report of the company"], metadata: ["year": .number(Double(year))])
            }
            var query = EngineFixture.query("annual report")
            query.filter = .compare(key: "year", .less, .number(2002))
            let found = try await engine.search(query, model: nil, in: EngineFixture.base)
            #expect(found.map(\.document.name) == ["report-2000", "report-2001"])
            query.minimumScore = 1
            #expect(try await engine.search(query, model: nil, in: EngineFixture.base) == [])
            query = RetrievalQuery(text: "annual", limit: 2)
            #expect(try await engine.search(query, model: nil, in: EngineFixture.base).count == 2)
        }
    }

    @Test(
        "A document that is replaced again and again is always found in exactly one version",
        arguments: EngineKind.available)
    func atomic(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { _, engine in
            try await engine.put("policy", ["remote work is allowed on day 0", "unrelated closing words 0"])
            for other in 0..<20 { try await engine.put("other-\(other)", ["nothing of that kind \(other)"]) }
            let last = kind.some(of: 60)
            try await withThrowingTaskGroup(of: Int.self) { group in
                group.addTask {
                    for version in 1...last {
                        let texts = ["remote work is allowed on day \(version)", "unrelated closing words \(version)"]
                        try await engine.put("policy", texts)
                    }
                    return last
                }
                for _ in 0..<3 {
                    group.addTask {
                        var seen = 0
                        while seen < last {
                            let found = try await engine.search("remote work is allowed", limit: 2)
                            let policy = found.filter { $0.document.name == "policy" }
                            #expect(Set(policy.map(\.document.version)).count == 1)
                            let first = try #require(policy.first { $0.chunk.text.hasPrefix("remote") })
                            let version = Int(first.chunk.text.split(separator: " ").last ?? "") ?? -1
                            #expect(version >= seen)
                            seen = version
                        }
                        return seen
                    }
                }
                for try await seen in group { #expect(seen == last) }
            }
        }
    }

    @Test(
        "However documents came, the same ones have the same scores, also after a restart",
        arguments: EngineKind.available)
    func sameScores(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { fixture, engine in
            let count = kind.some(of: 40)
            for round in 0..<3 {
                for number in 0..<count {
                    try await engine.put("d\(number)", ["text \(number) in round \(round)", "tail \(number)"])
                }
            }
            _ = try await engine.delete((0..<count / 3).map { "d\($0)" }, from: EngineFixture.base, files: true)
            let questions = ["text 17", "round 2", "tail", "text in round"]
            var before: [[Double]] = []
            for question in questions { before.append(try await engine.search(question, limit: 20).map(\.score)) }
            await fixture.close(engine)
            let again = try await fixture.open()
            for (question, scores) in zip(questions, before) {
                #expect(try await again.search(question, limit: 20).map(\.score) == scores)
            }
            await fixture.close(again)
        }
    }

    @Test("Vectors of another model are refused, in documents and in questions", arguments: EngineKind.available)
    func wrongModel(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { _, engine in
            let other = EmbeddingModel(name: "letters", version: "2", dimensions: 32)
            let document = EngineFixture.document("d", ["x"])
            var error = await #expect(throws: KnowledgeError.self) {
                try await engine.put(document, in: EngineFixture.base, model: other)
            }
            #expect(error?.code == .wrongModel)
            error = await #expect(throws: KnowledgeError.self) {
                try await engine.search(EngineFixture.query("x"), model: other, in: EngineFixture.base)
            }
            #expect(error?.code == .wrongModel)
            error = await #expect(throws: KnowledgeError.self) {
                try await engine.search(RetrievalQuery(text: "x", vector: [1]), model: nil, in: EngineFixture.base)
            }
            #expect(error?.code == .wrongModel)
            error = await #expect(throws: KnowledgeError.self) { try await engine.base("none") }
            #expect(error?.code == .notFound)
        }
    }

    @Test("Vectors that are there need not be made again", arguments: EngineKind.available)
    func knownVectors(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { _, engine in
            try await engine.put("a", ["one", "two"])
            let keys = ["two", "three"].map { Array($0.utf8) }
            let known = try await engine.vectors(of: keys, by: EngineFixture.model, in: EngineFixture.base)
            #expect(known == [keys[0]: EngineFixture.vector("two")])
        }
    }

    @Test("Documents that come at the same time are all there afterwards", arguments: EngineKind.available)
    func concurrentPuts(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { fixture, engine in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        for number in 0..<kind.some(of: 50) {
                            try await engine.put("w\(writer)-\(number)", ["words of \(writer) and \(number)"])
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await engine.base(EngineFixture.base).documents == 8 * kind.some(of: 50))
            let found = try await engine.search("words of", limit: 1000)
            #expect(found.count >= 50 && Set(found.map(\.id)).count == found.count)
        }
    }

    @Test("A search that is cancelled ends, whether it waits or runs", arguments: EngineKind.available)
    func cancellation(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { _, engine in
            try await engine.put("a", (0..<200).map { "words \($0)" })
            for _ in 0..<50 {
                let search = Task { try await engine.search("words 7") }
                search.cancel()
                do { #expect(try await search.value.count == 3) } catch { #expect(error is CancellationError) }
            }
            #expect(try await engine.search("words 7").count == 3)
        }
    }
}
