import Foundation
import MartletKnowledge
import MartletLogic
import Testing

/// When a document is the same as the one that is there, and what becomes of it when its base is not.
@Suite("Changes at the desk", .timeLimit(.minutes(3)))
struct DeskChangeTests {
    @Test("An attribute that is said no more is a change; the same ones in the same state are none")
    func removedAttribute() async throws {
        try await DeskFixture.run { fixture in
            let both: [String: MetadataValue] = ["year": .number(2026), "team": .text("hr")]
            try await fixture.add("a.txt", "Nests are built of mud.", metadata: both)
            #expect(try await !fixture.add("a.txt", "Nests are built of mud.", metadata: both).isNew)
            let fewer = try await fixture.add("a.txt", "Nests are built of mud.", metadata: ["team": .text("hr")])
            #expect(fewer.isNew && fewer.embedded == 0)
            #expect(try await fixture.search("mud").first?.metadata == ["team": .text("hr")])
            #expect(try await fixture.add("a.txt", "Nests are built of mud.").isNew)
            #expect(try await fixture.search("mud").first?.metadata == [:])
        }
    }

    @Test("Read anew, a file gives a new version though it is the same, and embeds nothing")
    func anew() async throws {
        try await DeskFixture.run { fixture in
            let first = try await fixture.add("a.txt", "Nests are built of mud.")
            var options = IngestOptions()
            options.isAnew = true
            let again = try await fixture.add("a.txt", "Nests are built of mud.", options)
            #expect(again.isNew && again.embedded == 0 && again.document.version > first.document.version)
        }
    }

    @Test("Of chunks made by hand the file is only kept, and other chunks of the same file are a change")
    func given() async throws {
        try await DeskFixture.run { fixture in
            var options = IngestOptions()
            options.given = ["年假十天。", "病假十五天。"]
            let page = "<html><body>Something else</body></html>"
            try await fixture.add("hand.html", page, options)
            let file = try await fixture.desk.file("hand.html", in: DeskFixture.base)
            #expect(file.type == "text/html")
            #expect(FileManager.default.contents(atPath: file.path) == Data(page.utf8))
            let passage = try #require(try await fixture.search("病假").first)
            #expect(passage.chunk.text == "病假十五天。" && passage.chunk.range == 7..<13)
            #expect(try await fixture.desk.text(of: passage.document).text == "年假十天。\n\n病假十五天。")
            options.given = ["年假十天。", "病假二十天。"]
            #expect(try await fixture.add("hand.html", page, options).isNew)
            #expect(try await fixture.search("病假").first?.chunk.text == "病假二十天。")
        }
    }

    @Test("Files that were kept when their documents were deleted are listed, and give them again")
    func keptFiles() async throws {
        try await DeskFixture.run { fixture in
            try await fixture.add("a.txt", "Nests are built of mud.")
            try await fixture.add("b.txt", "The canteen opens at noon.")
            #expect(try await fixture.desk.delete(["a.txt"], from: DeskFixture.base, files: false).isEmpty)
            #expect(try await fixture.desk.documents(in: DeskFixture.base).map(\.document.name) == ["b.txt"])
            #expect(try await fixture.desk.files(in: DeskFixture.base) == ["a.txt", "b.txt"])
            let file = try await fixture.desk.file("a.txt", in: DeskFixture.base)
            _ = try await fixture.desk.add(IncomingFile(name: "a.txt", path: file.path), to: DeskFixture.base, .init())
            #expect(try await fixture.search("mud").first?.document.name == "a.txt")
        }
    }

    @Test("What was sent to a base that is removed meanwhile is not in its successor of the same name")
    func successor() async throws {
        try await DeskFixture.run { fixture in
            let embedder = HeldEmbedder()
            let desk = EngineDesk(
                engine: fixture.engine,
                embeddings: try EmbeddingRegistry(["letters": .known(embedder)], standard: "letters"),
                reader: DocumentReader(scratch: fixture.folder))
            let path = fixture.folder + "/in/a"
            try Data("Nests are built of mud.".utf8).write(to: URL(fileURLWithPath: path))
            let adding = Task {
                try await desk.add(IncomingFile(name: "a.txt", path: path), to: DeskFixture.base, .init())
            }
            await embedder.gate.arrivals(1)
            try await desk.remove(base: DeskFixture.base)
            try await desk.create(BaseSettings(name: DeskFixture.base))
            embedder.gate.open()
            let error = await #expect(throws: KnowledgeError.self) { try await adding.value }
            #expect(error?.code == .notFound)
            #expect(try await desk.documents(in: DeskFixture.base).isEmpty)
            await desk.close()
        }
    }

    @Test("Documents that come at the same time to a base nobody has asked yet are all told as near duplicates")
    func nearDuplicatesAtOnce() async throws {
        try await DeskFixture.run { fixture in
            let text = (0..<60).map { "Paragraph \($0) speaks of subject number \($0 * 37)." }.joined(separator: "\n")
            for round in 0..<20 {
                let base = "base\(round)"
                try await fixture.desk.create(BaseSettings(name: base))
                func add(_ name: String) async throws -> Added {
                    let path = "\(fixture.folder)/in/\(round)-\(name)"
                    try Data((text + "\nThis one is \(name).").utf8).write(to: URL(fileURLWithPath: path))
                    return try await fixture.desk.add(IncomingFile(name: name, path: path), to: base, .init())
                }
                async let first = add("first.txt")
                async let second = add("second.txt")
                _ = try await (first, second)
                let third = try await add("third.txt")
                #expect(Set(third.nearDuplicates) == ["first.txt", "second.txt"], "round \(round)")
            }
        }
    }
}

/// Waits for its gate.
private final class HeldEmbedder: Embedder {
    let model = EngineFixture.model
    let gate = Gate(isOpen: false)

    func embed(_ texts: [String], as role: EmbeddingRole) async throws -> [[Float]] {
        try await gate.wait()
        return texts.map { EngineFixture.vector($0) }
    }
}
