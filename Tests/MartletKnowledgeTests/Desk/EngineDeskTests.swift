import Foundation
import MartletBase
import MartletKnowledge
import MartletLogic
import Synchronization
import Testing

/// Reader, splitter, embedder, engine and cache together.
@Suite("The desk of knowledge", .timeLimit(.minutes(3)))
struct EngineDeskTests {
    private static let rules = """
        # 员工手册

        ## 假期

        年假每年十天，入职满一年后可以使用。

        ## 报销

        差旅报销须在出差结束后30天内提交。

        """

    @Test("A file is found at its place in the text, and again as it was uploaded")
    func added() async throws {
        try await DeskFixture.run { fixture in
            let added = try await fixture.add("手册.md", Self.rules, metadata: ["year": .number(2026)])
            #expect((added.chunks, added.embedded, added.isNew) == (2, 2, true))
            let passage = try #require(try await fixture.search("年假").first)
            #expect(passage.document == added.document && passage.metadata == ["year": .number(2026)])
            #expect(passage.chunk.headings == ["员工手册", "假期"])
            let text = try await fixture.desk.text(of: passage.document)
            let scalars = Array(text.text.unicodeScalars)[passage.chunk.range]
            #expect(String(String.UnicodeScalarView(scalars)).contains("年假每年十天"))
            let file = try await fixture.desk.file("手册.md", in: DeskFixture.base)
            #expect(try Data(contentsOf: URL(fileURLWithPath: file.path)) == Data(Self.rules.utf8))
            #expect(file.type == "text/markdown")
        }
    }

    @Test("The same content is not read again; split otherwise, with other metadata or changed, it is")
    func idempotent() async throws {
        try await DeskFixture.run { fixture in
            let first = try await fixture.add("a.md", Self.rules)
            let again = try await fixture.add("a.md", Self.rules)
            #expect(!again.isNew && again.document == first.document && again.chunks == first.chunks)
            var options = IngestOptions()
            options.splitting = .chatchat(size: 20, overlap: 5, titles: false)
            let other = try await fixture.add("a.md", Self.rules, options)
            #expect(other.isNew && other.chunks > first.chunks && other.document.version > first.document.version)
            let dated = try await fixture.add("a.md", Self.rules, metadata: ["year": .number(2026)], options)
            #expect(dated.isNew && dated.embedded == 0)
            options.replaces = false
            let error = await #expect(throws: KnowledgeError.self) {
                try await fixture.add("a.md", Self.rules + "more", options)
            }
            #expect(error?.code == .alreadyExists)
            #expect(try await fixture.desk.documents(in: DeskFixture.base).count == 1)
        }
    }

    @Test("An edit of one line of a document of 500 chunks embeds three at most")
    func edit() async throws {
        try await DeskFixture.run { fixture in
            var lines = (0..<4000).map { "Rule \($0): item \($0 * 7919 % 10007) is kept for \($0 % 90 + 1) days by team \($0 % 13)." }
            let first = try await fixture.add("rules.txt", lines.joined(separator: "\n"))
            #expect(first.chunks >= 400 && first.embedded == first.chunks)
            lines[2000] = "Rule 2000 does not hold any more."
            let second = try await fixture.add("rules.txt", lines.joined(separator: "\n"))
            #expect(1...3 ~= second.embedded, "\(second.embedded) of \(second.chunks)")
            #expect(try await fixture.search("Rule 2000 does not hold any more").first?.chunk.text.contains("any more") == true)
        }
    }

    @Test("What was deleted is gone from search, text and answers that were kept")
    func deleted() async throws {
        try await DeskFixture.run(model: FakeModel(saying: "年假每年十天[1]。")) { fixture in
            let added = try await fixture.add("手册.md", Self.rules)
            try await fixture.add("other.md", "The canteen opens at noon.")
            #expect(try await fixture.ask("年假每年有几天").end?.kind == .answered)
            #expect(try await fixture.ask("年假每年有几天").end?.kind == .cached)
            let unknown = try await fixture.desk.delete(["手册.md", "none"], from: DeskFixture.base, files: true)
            #expect(unknown.keys.sorted() == ["none"] && unknown["none"]?.code == .notFound)
            let heard = try await fixture.ask("年假每年有几天")
            #expect(heard.end?.kind != .cached)
            // The model says it all the same: nothing that is there bears it out.
            #expect(heard.end?.kind == .refused || heard.citations.contains { !$0.flaws.isEmpty })
            #expect(!heard.sources.contains { $0.document.name == "手册.md" })
            #expect(try await !fixture.search("年假").contains { $0.document.name == "手册.md" })
            await #expect(throws: KnowledgeError.self) { try await fixture.desk.text(of: added.document) }
        }
    }

    @Test("A kept answer goes when a new document would be among its passages, and stays when not")
    func cache() async throws {
        try await DeskFixture.run(model: FakeModel(saying: "年假每年十天[1]。")) { fixture in
            var options = IngestOptions()
            options.splitting = .chatchat(size: 60, overlap: 0, titles: false)
            for number in 0..<4 {
                try await fixture.add("年假\(number).md", "年假每年十天，由部门\(number)批准。", options)
            }
            #expect(try await fixture.ask("年假每年十天由谁批准").end?.kind == .answered)
            try await fixture.add("canteen.md", "The canteen opens at noon.")
            #expect(try await fixture.ask("年假每年十天由谁批准").end?.kind == .cached)
            try await fixture.add("新.md", "年假每年十天由谁批准：由人事批准。")
            #expect(try await fixture.ask("年假每年十天由谁批准").end?.kind == .answered)
        }
    }

    @Test("Documents that say nearly the same are named")
    func nearDuplicates() async throws {
        try await DeskFixture.run { fixture in
            let text = (0..<60).map { "Paragraph \($0) speaks of subject number \($0 * 37)." }.joined(separator: "\n")
            try await fixture.add("first.txt", text)
            try await fixture.add("far.txt", "Something else altogether, about birds that build nests of mud.")
            let second = try await fixture.add("second.txt", text + "\nOne more line.")
            #expect(second.nearDuplicates == ["first.txt"])
        }
    }

    @Test("A file that cannot be read is one error that names it, and leaves what was there")
    func unreadable() async throws {
        try await DeskFixture.run { fixture in
            try await fixture.add("a.txt", "Nests are built of mud.")
            let path = fixture.folder + "/in/broken"
            try Data([0x50, 0x4b, 3, 4, 0, 0, 0]).write(to: URL(fileURLWithPath: path))
            let error = await #expect(throws: KnowledgeError.self) {
                try await fixture.desk.add(IncomingFile(name: "a.txt", path: path), to: DeskFixture.base, .init())
            }
            #expect(error?.message.contains("a.txt") == true)
            #expect(try await fixture.search("mud").first?.document.name == "a.txt")
            for name in ["../a", "", "a/../b"] {
                await #expect(throws: KnowledgeError.self) { try await fixture.add(name, "text") }
            }
            await #expect(throws: KnowledgeError.self) {
                try await fixture.desk.add(IncomingFile(name: "a", path: path), to: "none", .init())
            }
        }
    }

    @Test("Chunks made by hand are kept as they are, each at its place")
    func given() async throws {
        try await DeskFixture.run { fixture in
            var options = IngestOptions()
            options.given = ["年假十天。", "病假十五天。"]
            let added = try await fixture.add("hand.txt", "年假十天。\n\n病假十五天。", options)
            #expect(added.chunks == 2)
            let chunks = try await fixture.desk.chunks(of: "hand.txt", in: DeskFixture.base, from: 0, atMost: 9)
            #expect(chunks.map(\.chunk.text) == options.given)
            #expect(chunks.map(\.chunk.range) == [0..<5, 7..<13])
        }
    }

    @Test("The file of chunks made by hand stays as it is, and is read once they are not wanted any more")
    func givenBesideAFile() async throws {
        try await DeskFixture.run { fixture in
            let rule = "A rule about mud."
            var options = IngestOptions()
            options.given = ["年假十天。"]
            try await fixture.add("rule.txt", rule, options)
            let file = try await fixture.desk.file("rule.txt", in: DeskFixture.base)
            #expect(try String(contentsOfFile: file.path, encoding: .utf8) == rule)
            // As many chunks, and others.
            options.given = ["年假十五天。"]
            #expect(try await fixture.add("rule.txt", rule, options).isNew)
            #expect(try await !fixture.add("rule.txt", rule, options).isNew)
            try await fixture.add("rule.txt", rule)
            let chunks = try await fixture.desk.chunks(of: "rule.txt", in: DeskFixture.base, from: 0, atMost: 9)
            #expect(chunks.map(\.chunk.text) == [rule])
        }
    }

    @Test("The file of a deleted document is listed as long as it is kept")
    func keptFiles() async throws {
        try await DeskFixture.run { fixture in
            for name in ["b.txt", "a.txt"] { try await fixture.add(name, "text of \(name)") }
            _ = try await fixture.desk.delete(["a.txt"], from: DeskFixture.base, files: false)
            #expect(try await fixture.desk.documents(in: DeskFixture.base).map(\.document.name) == ["b.txt"])
            #expect(try await fixture.desk.files(in: DeskFixture.base) == ["a.txt", "b.txt"])
            _ = try await fixture.desk.delete(["b.txt"], from: DeskFixture.base, files: true)
            #expect(try await fixture.desk.files(in: DeskFixture.base) == ["a.txt"])
        }
    }

    @Test("While documents are replaced, each search finds the old text or the new one, and never neither")
    func replaced() async throws {
        try await DeskFixture.run { fixture in
            try await fixture.add("rule.txt", "The limit for trips is 100 euros, version 0.")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for version in 1...40 {
                        try await fixture.add("rule.txt", "The limit for trips is 100 euros, version \(version).")
                    }
                }
                group.addTask {
                    var last = 0
                    while last < 40, !Task.isCancelled {
                        let found = try await fixture.search("limit for trips", limit: 5)
                        #expect(found.count == 1)
                        let said = found.first?.chunk.text.split(separator: " ").last?.dropLast()
                        let version = try #require(said.flatMap { Int($0) })
                        #expect(version >= last)
                        last = version
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("A question to bases of two models is refused")
    func models() async throws {
        try await DeskFixture.run { fixture in
            try await fixture.add("a.txt", "Nests are built of mud.")
            try await fixture.engine.createBase(
                "other", description: "", model: EmbeddingModel(name: "else", version: "1", dimensions: 32))
            let error = await #expect(throws: KnowledgeError.self) {
                try await fixture.desk.search(RetrievalQuery(text: "mud"), in: [DeskFixture.base, "other"])
            }
            #expect(error?.code == .wrongModel)
        }
    }

    @Test("What is farther than a search allows is not found, however many of its words it has")
    func distance() async throws {
        try await DeskFixture.run { fixture in
            try await fixture.add("near.txt", "Nests are built of mud.")
            try await fixture.add("far.txt", "Zyzzyva qualms jinx: mud.")
            var query = RetrievalQuery(text: "Nests are built of mud.", limit: 5)
            let cosines = try await fixture.desk.search(query, in: [DeskFixture.base]).compactMap(\.why.cosine)
            #expect(cosines.count == 2)
            query.minimumCosine = cosines.max()
            let found = try await fixture.desk.search(query, in: [DeskFixture.base])
            #expect(found.map(\.document.name) == ["near.txt"])
            query.minimumCosine = cosines.min()
            #expect(try await fixture.desk.search(query, in: [DeskFixture.base]).count == 2)
        }
    }

    @Test("Where the embedding does not answer, words are searched for")
    func withoutVectors() async throws {
        try await DeskFixture.run { fixture in
            try await fixture.add("a.txt", "Nests are built of mud.")
            fixture.embedder.isDown.withLock { $0 = true }
            let found = try #require(try await fixture.search("mud").first)
            #expect(found.document.name == "a.txt" && found.why.cosine == nil && found.why.matched == ["mud"])
        }
    }

    @Test("A question longer than 64 KiB is not searched for")
    func longQuestion() async throws {
        try await DeskFixture.run { fixture in
            try await fixture.add("a.txt", "Nests are built of mud.")
            let error = await #expect(throws: KnowledgeError.self) {
                try await fixture.search(String(repeating: "m", count: Question.longest + 1))
            }
            #expect(error?.code == .tooLarge)
        }
    }

    @Test("A base is looked up by its name")
    func base() async throws {
        try await DeskFixture.run { fixture in
            #expect(try await fixture.desk.base(DeskFixture.base).name == DeskFixture.base)
            let (isThere, isNone) = (
                try await fixture.desk.has(base: DeskFixture.base), try await fixture.desk.has(base: "none")
            )
            #expect(isThere && !isNone)
        }
    }
}
