import MartletKnowledge
import MartletLogic
import Testing

/// Bases that go and come again under the same name, and parts of texts: alike on every engine.
@Suite("A base and its successors", .timeLimit(.minutes(3)))
struct EngineIdentityTests {
    @Test("A document that was made for a base is refused by the next one of its name", arguments: EngineKind.available)
    func successor(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { _, engine in
            let base = EngineFixture.base
            var made = EngineFixture.document("a", ["Nests are built of mud."])
            made.base = try await engine.state(of: base).id
            let document = made
            _ = try await engine.put(document, in: base, model: EngineFixture.model)
            #expect(try await engine.state(of: base).id == document.base)
            try await engine.removeBase(base)
            try await engine.createBase(base, description: "", model: EngineFixture.model)
            #expect(try await engine.state(of: base).id != document.base)
            let error = await #expect(throws: KnowledgeError.self) {
                try await engine.put(document, in: base, model: EngineFixture.model)
            }
            #expect(error?.code == .notFound)
            #expect(try await engine.documents(in: base).isEmpty)
        }
    }

    @Test("Bases that are made and removed by many at once can be asked exactly when they are listed")
    func madeAndRemoved() async throws {
        try await EngineFixture.run(.embedded) { _, engine in
            for _ in 0..<30 {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 {
                        group.addTask { try? await engine.createBase("b", description: "", model: EngineFixture.model) }
                        group.addTask { try? await engine.removeBase("b") }
                    }
                }
                let isListed = try await engine.bases().contains { $0.name == "b" }
                #expect(((try? await engine.state(of: "b")) != nil) == isListed)
            }
        }
    }

    @Test("Parts of a text are what stands there, and files that were kept are listed", arguments: EngineKind.available)
    func excerpts(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { _, engine in
            let change = try await engine.put("假期.md", ["年假\u{1F600}十天。", "Nests é of mud."])
            let document = try #require(change.document).document
            let found = try await engine.excerpts(of: document, at: [7..<12, 0..<3, 0..<0, 15..<21, 15..<22])
            #expect(found.texts == ["ests ", "年假\u{1F600}", "", "f mud.", nil])
            #expect(found.title == "T")
            #expect(try await engine.files(in: EngineFixture.base).isEmpty)
            try await engine.put("假期.md", ["new"])
            await #expect(throws: KnowledgeError.self) { try await engine.excerpts(of: document, at: [0..<1]) }
        }
    }
}
