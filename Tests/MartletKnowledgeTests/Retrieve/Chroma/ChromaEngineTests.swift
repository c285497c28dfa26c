import Foundation
import MartletLogic
import MartletWire
import Testing

@testable import MartletKnowledge

/// What only a shared engine has to do: what ``EngineTests`` says, it does as well.
@Suite("The Chroma engine", .timeLimit(.minutes(3)))
struct ChromaEngineTests {
    private let base = EngineFixture.base

    @Test("Two nodes answer alike the moment a write on one of them returns", arguments: EngineKind.chroma)
    func twoNodes(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { fixture, one in
            let other = try await fixture.open()
            for round in 0..<5 {
                let change = try await one.put("policy", ["remote work on day \(round)", "closing words"])
                #expect(try await other.search("remote work").map(\.id) == change.added)
                #expect(try await other.base(base) == one.base(base))
                #expect(try await other.base(base).epoch == change.epoch)
            }
            let found = try await one.search("remote work on day 4")
            #expect(try await other.search("remote work on day 4") == found)
            _ = try await other.delete(["policy"], from: base, files: true)
            #expect(try await one.search("remote work").isEmpty)
            try await other.removeBase(base)
            let error = await #expect(throws: KnowledgeError.self) { try await one.search("remote work") }
            #expect(error?.code == .notFound)
        }
    }

    @Test("Writes of several nodes at a time all get a number of their own, in one order", arguments: EngineKind.chroma)
    func concurrentNodes(kind: EngineKind) async throws {
        try await EngineFixture.run(kind) { fixture, _ in
            let nodes = [try await fixture.open(), try await fixture.open(), try await fixture.open()]
            let epochs = try await withThrowingTaskGroup(of: [Int].self) { group in
                for (index, node) in nodes.enumerated() {
                    group.addTask {
                        var epochs: [Int] = []
                        for number in 0..<kind.some(of: 20) {
                            epochs.append(try await node.put("n\(index)-\(number % 5)", ["text \(number)"]).epoch)
                        }
                        return epochs
                    }
                }
                return try await group.reduce(into: [Int]()) { $0 += $1 }
            }
            #expect(Set(epochs).count == nodes.count * kind.some(of: 20))
            let summaries = try await nodes[0].documents(in: base)
            #expect(summaries.count == nodes.count * min(5, kind.some(of: 20)))
            for node in nodes { #expect(try await node.documents(in: base) == summaries) }
        }
    }

    @Test("Wherever a change ends, a node that comes finds the document before it or after it, whole")
    func crashes() async throws {
        for last in 0..<12 {
            let fake = FakeChroma()
            let fixture = Self.fixture(fake)
            let engine = try await fixture.node(fake.call)
            try await engine.createBase(base, description: "", model: EngineFixture.model)
            try await engine.put("policy", ["old words", "old tail"])
            let start = fake.requests.count
            // The server is there for so many requests, and never again for this node.
            let dying: ChromaEngine.Call = { method, path, body in
                guard fake.requests.count - start < last else { throw FakeChroma.Lost() }
                return try await fake.call(method, path, body)
            }
            if let node = try? await fixture.node(dying) {
                _ = try? await node.put("policy", ["new words", "new tail"])
            }
            let after = try await fixture.node(fake.call)
            let found = try await after.search("words", limit: 9)
            #expect([["old tail", "old words"], ["new tail", "new words"]].contains(found.map(\.chunk.text).sorted()))
            let version = try #require(found.first?.document)
            let chunks = found.map(\.chunk).sorted { $0.range.lowerBound < $1.range.lowerBound }
            #expect(try await after.text(of: version).text == chunks.map(\.text).joined())
            try await after.put("policy", ["newest words"])
            #expect(try await after.search("words").map(\.chunk.text) == ["newest words"])
        }
    }

    @Test("A change whose answer was lost is there, whole")
    func lostAnswer() async throws {
        let (fake, engine) = try await Self.engine()
        let ledger = try #require(fake.names.firstIndex { $0.hasSuffix("-ledger") })
        fake.lose { $0.operation == "add" && $0.collection == "id-\(ledger + 1)" }
        let error = await #expect(throws: KnowledgeError.self) { try await engine.put("a", ["words"]) }
        #expect(error?.code == .unavailable)
        fake.lose(nil)
        // It is there, for nobody could know, and so is what it speaks of.
        #expect(try await engine.search("words").map(\.chunk.text) == ["words"])
        #expect(try await engine.base(base).documents == 1)
    }

    @Test(
        "What the server says is what the caller is told",
        arguments: [
            (429, "overloaded"), (503, "overloaded"), (504, "unavailable"), (500, "failed"), (200, "unavailable"),
        ])
    func errors(status: Int, code: String) async throws {
        let (fake, engine) = try await Self.engine()
        try await engine.put("a", ["words"])
        fake.answer { _ in FakeChroma.no(status, "no") }
        let error = await #expect(throws: KnowledgeError.self) { try await engine.search("words") }
        #expect(error?.code.rawValue == code)
        fake.answer { _ in throw FakeChroma.Lost() }
        let lost = await #expect(throws: KnowledgeError.self) { try await engine.search("words") }
        #expect(lost?.code == .unavailable)
        fake.answer(nil)
        #expect(try await engine.search("words").count == 1)
    }

    @Test("A question asks for its vector's neighbours, its words and the ledger, and nothing twice")
    func requests() async throws {
        let (fake, engine) = try await Self.engine()
        try await engine.put("a", ["员工每年有十天年假。"], metadata: ["year": .number(2024)])
        try await engine.put("b", ["foo_bar is set"], metadata: ["year": .number(2023)])
        fake.forgetRequests()
        _ = try await engine.search("年假 foo_bar")
        let words = fake.requests.compactMap { $0.body["where"]?["words"] }.map { FakeChroma.text($0["$contains"]) }
        #expect(words.sorted() == ["bar", "foo", "foo_bar", "年假"])
        #expect(fake.requests.filter { $0.operation == "query" }.map { $0.body["where"] } == [nil])
        fake.forgetRequests()
        _ = try await engine.search("年假 foo_bar")
        #expect(fake.requests.map(\.operation).sorted { ($0 ?? "") < ($1 ?? "") } == ["get", "query"])
        fake.forgetRequests()
        var query = EngineFixture.query("年假")
        query.filter = .compare(key: "year", .more, .number(2023))
        #expect(try await engine.search(query, model: nil, in: base).map(\.document.name) == ["a"])
        let filter = try #require(fake.requests.first { $0.operation == "query" }?.body["where"])
        #expect(FakeChroma.list(filter["write"]?["$in"]).count == 1)
    }

    @Test("The model stands in the metadata of the collection")
    func model() async throws {
        let (fake, _) = try await Self.engine()
        let vectors = try #require(fake.metadata.first { $0.key.hasSuffix("-vectors") }?.value)
        #expect(vectors["model"] == "letters" && vectors["version"] == "1" && vectors["dimensions"] == 32)
        #expect(vectors["base"] == .string(base))
    }

    @Test("A deletion leaves nothing on the server, an update what searches under way may need")
    func leavesNothing() async throws {
        let (fake, engine) = try await Self.engine()
        for round in 0..<20 { try await engine.put("a", ["round \(round)"]) }
        #expect(fake.ids("-vectors").count == 1 + LedgerBase.kept)
        _ = try await engine.delete(["a"], from: base, files: true)
        #expect(fake.ids("-vectors").isEmpty && fake.ids("-documents").isEmpty)
        try await engine.removeBase(base)
        #expect(fake.names.count == 1)
    }

    @Test("Leftovers are swept once they are old, and nothing else is")
    func sweep() async throws {
        let fake = FakeChroma()
        let fixture = Self.fixture(fake)
        let engine = try await fixture.node(fake.call)
        try await engine.createBase(base, description: "", model: EngineFixture.model)
        try await engine.put("a", ["words"])
        // A node that ends before its line is written, and one before its base is.
        let ledger = "id-1"
        let dying: ChromaEngine.Call = { method, path, body in
            if path.hasSuffix("/\(ledger)/add") || path.hasSuffix("/delete") || method == "DELETE" {
                throw FakeChroma.Lost()
            }
            return try await fake.call(method, path, body)
        }
        let node = try await fixture.node(dying)
        _ = try? await node.put("b", ["leftover"])
        _ = try? await node.createBase("other", description: "", model: EngineFixture.model)
        #expect(fake.ids("-vectors").count == 2 && fake.names.count == 5)
        #expect(try await engine.sweep() == (0, 0))
        var settings = ChromaEngine.Settings(folder: fixture.folder)
        settings.prefix = fixture.prefix
        settings.now = { Date().timeIntervalSince1970 + Double(ChromaEngine.sweptAfter) + 60 }
        let later = try await ChromaEngine.open(settings, call: fake.call)
        #expect(try await later.sweep() == (3, 2))
        #expect(fake.ids("-vectors").count == 1 && fake.names.count == 3)
        #expect(try await engine.search("words").map(\.document.name) == ["a"])
        #expect(try await engine.text(of: DocumentVersion(base: base, name: "a", version: 2)).text == "words")
    }

    @Test("A word that too many chunks have to be listed is counted by a share of them")
    func commonWords() async throws {
        let (fake, engine) = try await Self.engine()
        let texts = (0..<WordCounts.mostListed + 1000).map { "common \($0)" }
        try await engine.put("many", texts)
        fake.forgetRequests()
        let found = try await engine.search("common 77")
        #expect(found.first?.chunk.text == "common 77")
        #expect(fake.requests.count { $0.body["where"]?["$and"] != nil } == 1)
        let ledgerBase = try await engine.now(base)
        let counts = try await engine.words.counts(of: WordQuery("common 77"), in: ledgerBase, engine.server)
        let holding = try #require(counts.first?.holding)
        #expect(holding >= WordCounts.mostListed && holding <= texts.count)
        #expect(counts.last?.holding == 1)
    }

    @Test("Records of which no line speaks take no place among the nearest")
    func leftoversAreNotFound() async throws {
        let (fake, engine) = try await Self.engine()
        try await engine.put("policy", ["remote work is allowed", "closing words"])
        // Another node ends before its line is written: all its chunks are nearer.
        fake.answer { request in
            let isEnd = request.collection == "id-1" || request.operation == "delete"
            return isEnd && request.operation != "get" ? FakeChroma.no(500, "no") : nil
        }
        await #expect(throws: KnowledgeError.self) {
            try await engine.put("copy", Array(repeating: "remote work", count: 300))
        }
        fake.answer(nil)
        #expect(fake.ids("-vectors").count == 302)
        #expect(try await engine.search("remote work").map(\.document.name) == ["policy", "policy"])
    }

    // MARK: Engines

    private static func fixture(_ fake: FakeChroma) -> EngineFixture {
        let folder = FileManager.default.temporaryDirectory.path + "/chroma-\(UInt64.random(in: .min ... .max))"
        return EngineFixture(kind: .chromaInMemory, folder: folder, chroma: fake.call, prefix: "test")
    }

    /// One with a base.
    private static func engine() async throws -> (FakeChroma, ChromaEngine) {
        let fake = FakeChroma()
        let engine = try await fixture(fake).node(fake.call)
        try await engine.createBase(EngineFixture.base, description: "", model: EngineFixture.model)
        return (fake, engine)
    }
}
