import Foundation
import MartletBase
import MartletKnowledge
import MartletLogic
import Synchronization
import Testing

/// A base whose vectors become another model's.
@Suite("A base that is embedded anew", .timeLimit(.minutes(3)))
struct ReembedTests {
    @Test(
        "Searches and writes go on, each search is of one model, and at the end all is of the new one",
        arguments: EngineKind.available)
    func underLoad(kind: EngineKind) async throws {
        try await ReembedFixture.run(kind) { fixture in
            for number in 0..<kind.some(of: 40) {
                try await fixture.add("old\(number)", "the old rule \(number) of team \(number % 7)")
            }
            let end = End()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { end.come() }
                    let base = try await fixture.desk.reembed(EngineFixture.base, with: "second") { _, _ in }
                    #expect(base.model == ReembedFixture.second && base.next == nil)
                }
                group.addTask {
                    for number in 0..<kind.some(of: 30) {
                        try await fixture.add("new\(number % 10)", "the new rule \(number) of team \(number % 7)")
                        if number % 5 == 4 {
                            let failed = try await fixture.desk.delete(
                                ["new\(number % 10)"], from: EngineFixture.base, files: true)
                            #expect(failed.isEmpty)
                        }
                    }
                }
                for searcher in 0..<3 {
                    group.addTask {
                        var count = 0
                        while !end.hasCome || count < 10 {
                            try await fixture.checkSearch("the rule \(count) of team \(searcher)")
                            count += 1
                        }
                    }
                }
                try await group.waitForAll()
            }
            let models = try await fixture.checkSearch("the old rule 3 of team 3")
            #expect(models == [ReembedFixture.second])
        }
    }

    @Test(
        "Broken off, the base is as it was; the same again, by the next process too, goes on from there",
        arguments: EngineKind.available)
    func brokenOff(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { place, engine in
            let broken = SpiedEmbedder(ReembedFixture.second, shift: 7)
            broken.failsAfter = 8
            let first = try await ReembedFixture(engine, place, second: broken)
            for number in 0..<20 { try await first.add("d\(number)", "rule \(number)") }
            let error = await #expect(throws: KnowledgeError.self) {
                try await first.desk.reembed(EngineFixture.base, with: "second") { _, _ in }
            }
            #expect(error?.code == .failed)
            await first.desk.close()
            await place.close(engine)
            let again = try await place.open()
            let second = SpiedEmbedder(ReembedFixture.second, shift: 7)
            let next = try await ReembedFixture(again, place, second: second)
            let base = try #require(try await next.desk.bases().first)
            #expect(base.model == EngineFixture.model && base.next == ReembedFixture.second)
            #expect(try await next.checkSearch("rule 3") == [EngineFixture.model])
            let told = Mutex<[Int]>([])
            let ended = try await next.desk.reembed(EngineFixture.base, with: "second") { done, of in
                told.withLock { $0.append(done) }
                #expect(of == 20)
            }
            #expect(ended.model == ReembedFixture.second)
            #expect(told.withLock { $0 } == [8, 12, 16, 20])
            #expect(second.passages == 12)
            #expect(try await next.checkSearch("rule 3") == [ReembedFixture.second])
            await next.desk.close()
            await place.close(again)
        }
    }

    @Test(
        "What comes meanwhile is made for both models; another one is refused, and leaving ends it",
        arguments: EngineKind.available)
    func meanwhile(kind: EngineKind) async throws {
        try await ReembedFixture.run(kind) { fixture in
            for number in 0..<6 { try await fixture.add("d\(number)", "rule \(number)") }
            let gate = Gate(isOpen: false)
            fixture.second.gate = gate
            let work = Task { try await fixture.desk.reembed(EngineFixture.base, with: "second") { _, _ in } }
            await gate.arrivals(1)
            let error = await #expect(throws: KnowledgeError.self) {
                try await fixture.desk.reembed(EngineFixture.base, with: "second") { _, _ in }
            }
            #expect(error?.code == .alreadyExists)
            fixture.second.gate = nil
            try await fixture.add("late", "a late rule")
            #expect(try await fixture.engine.countToEmbed(by: ReembedFixture.second, in: EngineFixture.base) == 6)
            work.cancel()
            await #expect(throws: CancellationError.self) { try await work.value }
            #expect(try await fixture.checkSearch("a late rule") == [EngineFixture.model])
            let base = try await fixture.desk.reembed(EngineFixture.base, with: "second") { _, _ in }
            #expect(base.model == ReembedFixture.second && base.chunks == 7)
            let same = try await fixture.desk.reembed(EngineFixture.base, with: "second") { _, _ in
                Issue.record("made anew")
            }
            #expect(same == base)
            // An edit embeds what is new, as before.
            #expect(try await fixture.add("late", "a late rule", metadata: ["year": .number(2026)]).embedded == 0)
        }
    }

    @Test("An answer that was kept is not given any more once the base is of another model")
    func answers() async throws {
        try await ReembedFixture.run(.embedded) { fixture in
            try await fixture.add("手册.md", "年假每年十天。")
            #expect(try await fixture.ask("年假每年有几天") == .answered)
            #expect(try await fixture.ask("年假每年有几天") == .cached)
            _ = try await fixture.desk.reembed(EngineFixture.base, with: "second") { _, _ in }
            #expect(try await fixture.ask("年假每年有几天") == .answered)
        }
    }

    @Test("A base whose model is not here says which one and what to do, and can be embedded anew all the same")
    func modelIsGone() async throws {
        try await EngineFixture.run(.embedded) { place, engine in
            try await engine.put("d", ["rule 1"])
            let second = SpiedEmbedder(ReembedFixture.second, shift: 7)
            let desk = EngineDesk(
                engine: engine, embeddings: try EmbeddingRegistry(["second": .known(second)], standard: "second"),
                reader: DocumentReader(scratch: place.folder))
            let error = await #expect(throws: KnowledgeError.self) {
                try await desk.search(RetrievalQuery(text: "rule"), in: [EngineFixture.base])
            }
            #expect(error?.code == .wrongModel)
            #expect(error?.message.contains("letters 1") == true && error?.message.contains("kb reembed") == true)
            _ = try await desk.reembed(EngineFixture.base, with: nil) { _, _ in }
            #expect(try await desk.search(RetrievalQuery(text: "rule"), in: [EngineFixture.base]).count == 1)
            await desk.close()
        }
    }
}
