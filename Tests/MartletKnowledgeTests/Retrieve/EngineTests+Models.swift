import MartletKnowledge
import MartletLogic
import Testing

// Another model for the vectors of a base.
extension EngineTests {
    @Test(
        "Another model is made ready beside the one that is searched, and takes its place in one step",
        arguments: EngineKind.available)
    func anotherModel(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { _, engine in
            for number in 0..<10 { try await engine.put("d\(number)", ["text \(number)"]) }
            let next = EmbeddingModel(name: "letters", version: "2", dimensions: 16)
            try await engine.beginModel(next, in: EngineFixture.base)
            #expect(!(try await engine.switchModel(of: EngineFixture.base, to: next)))
            #expect(try await engine.countToEmbed(by: next, in: EngineFixture.base) == 10)
            #expect(try await engine.base(EngineFixture.base).next == next)
            var (rounds, last) = (0, ChunkID?.none)
            while true {
                let lacking = try await engine.chunksToEmbed(
                    by: next, in: EngineFixture.base, after: last, atMost: 4)
                last = lacking.last?.id
                if lacking.isEmpty {
                    if try await engine.switchModel(of: EngineFixture.base, to: next) { break }
                    continue
                }
                try await engine.add(
                    Dictionary(
                        uniqueKeysWithValues: lacking.map {
                            ($0.id, EngineFixture.vector($0.chunk.text, dimensions: 16))
                        }), of: next, in: EngineFixture.base)
                // What comes meanwhile is not forgotten.
                if rounds < 2 { try await engine.put("late\(rounds)", ["late \(rounds)"]) }
                #expect(try await engine.search("text 3").count == 3)
                rounds += 1
            }
            #expect(try await engine.base(EngineFixture.base).model == next)
            await #expect(throws: KnowledgeError.self) { try await engine.search("text 3") }
            let vector = EngineFixture.vector("late 1", dimensions: 16)
            let found = try await engine.search(
                RetrievalQuery(text: "late 1", vector: vector, limit: 20), model: next, in: EngineFixture.base)
            #expect(found.count == 12 && found.first?.document.name == "late1")
            #expect(try await engine.base(EngineFixture.base).next == nil)
            let keys = [Array("text 3".utf8)]
            let own = try await engine.vectors(of: keys, by: next, in: EngineFixture.base)
            #expect(own == [keys[0]: EngineFixture.vector("text 3", dimensions: 16)])
            #expect(try await engine.vectors(of: keys, by: EngineFixture.model, in: EngineFixture.base) == [:])
        }
    }

    @Test(
        "What comes while another model is made ready lands in both, and no vector of a third one does",
        arguments: EngineKind.available)
    func bothModels(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { _, engine in
            let base = EngineFixture.base
            try await engine.put("old", ["one"])
            let next = EmbeddingModel(name: "letters", version: "2", dimensions: 16)
            try await engine.beginModel(next, in: base)
            var document = EngineFixture.document("new", ["two", "three"])
            document.next = (next, ["two", "three"].map { EngineFixture.vector($0, dimensions: 16) })
            _ = try await engine.put(document, in: base, model: EngineFixture.model)
            let lacking = try await engine.chunksToEmbed(by: next, in: base, after: nil, atMost: 9)
            #expect(lacking.map(\.chunk.text) == ["one"])
            let third = EmbeddingModel(name: "letters", version: "3", dimensions: 16)
            let vectors = [lacking[0].id: EngineFixture.vector("one", dimensions: 16)]
            let error = await #expect(throws: KnowledgeError.self) {
                try await engine.add(vectors, of: third, in: base)
            }
            #expect(error?.code == .wrongModel)
            document = EngineFixture.document("newer", ["four"])
            document.next = (third, [EngineFixture.vector("four", dimensions: 16)])
            _ = try await engine.put(document, in: base, model: EngineFixture.model)
            #expect(try await engine.countToEmbed(by: next, in: base) == 2)
        }
    }
}
