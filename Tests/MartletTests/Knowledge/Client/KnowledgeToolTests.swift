import Foundation
import MartletKnowledge
import MartletLogic
import MartletWire
import Synchronization
import Testing

@testable import Martlet

@Suite("What `martlet kb` does", .timeLimit(.minutes(1)))
struct KnowledgeToolTests {
    private let desk = FakeDesk()
    private let said = Said()

    private func tool(isJSON: Bool = false, columns: Int? = nil) async throws -> KnowledgeTool {
        if try await desk.bases().isEmpty { try await desk.create(BaseSettings(name: "hr")) }
        return KnowledgeTool(desk, output: said.output(columns: columns), isJSON: isJSON)
    }

    @Test("A file that cannot be read is named, the rest goes on, and the end says that one failed")
    func addsTheRest() async throws {
        let folder = try TestFolder()
        try folder.write("一\n二", to: "a.md")
        try folder.write("%BROKEN", to: "bad.pdf")
        try folder.write("three", to: "sub/c.md")
        var order = AddOrder()
        (order.splitting, order.size, order.overlap, order.metadata) = (.chatchat, 500, 50, ["year=2026"])
        #expect(!(try await tool().add([folder.path, folder.path + "/none"], to: "hr", order)))
        #expect(said.result.contains("added a.md  version 1, 2 chunks, 2 embedded\n"))
        #expect(said.result.hasSuffix("2 added, 0 as they were, 2 failed\n"))
        #expect(said.remarks.contains("bad.pdf` cannot be read."))
        #expect(said.remarks.contains("none is not there"))
        let documents = try await desk.documents(in: "hr")
        #expect(documents.map(\.document.name) == ["a.md", "sub/c.md"])
        #expect(documents.allSatisfy { $0.metadata == ["year": .number(2026)] })
        #expect(
            desk.state.withLock { $0.options.map(\.splitting) }
                .allSatisfy { $0 == .chatchat(size: 500, overlap: 50, titles: false) })
    }

    @Test("Said once more, nothing is taken again")
    func addsOnce() async throws {
        let folder = try TestFolder()
        try folder.write("one", to: "a.md")
        #expect(try await tool().add([folder.path], to: "hr", AddOrder()))
        #expect(try await tool().add([folder.path], to: "hr", AddOrder()))
        #expect(said.result.hasSuffix("as it was a.md\n0 added, 1 as they were, 0 failed\n"))
    }

    @Test("On a terminal there is a bar, and it is gone at the end")
    func bar() async throws {
        let folder = try TestFolder()
        try folder.write("one\ntwo", to: "a.md")
        #expect(try await tool(columns: 60).add([folder.path], to: "hr", AddOrder()))
        #expect(said.result == "1 added, 0 as they were, 0 failed\n")
        #expect(said.remarks.contains("\r\u{1b}[K[============            ] 1/1  a.md  1/2 chunks"))
        #expect(said.remarks.hasSuffix("\r\u{1b}[K"))
    }

    @Test("A base that is not there takes nothing")
    func noBase() async throws {
        let error = await #expect(throws: KnowledgeError.self) {
            try await tool().add([], to: "none", AddOrder())
        }
        #expect(error?.code == .notFound)
    }

    @Test("An answer streams, and its sources follow")
    func asks() async throws {
        let folder = try TestFolder()
        try folder.write("年假有十五天\n病假另算", to: "a.md")
        #expect(try await tool().add([folder.path], to: "hr", AddOrder()))
        try await tool().ask("年假", of: "hr", limit: 2, model: nil, isFresh: true)
        #expect(said.result.hasSuffix("年假有十五天\n\nSources:\n[1] a.md, version 1, page 1, characters 0-6\n"))
        try await tool(isJSON: true).ask("年假", of: "hr", limit: 2, model: "", isFresh: false)
        let last = try #require(said.result.split(separator: "\n").last)
        #expect(try JSON.parse(last.utf8)["answer"] == "年假有十五天")
        #expect(desk.state.withLock { $0.questions.map(\.isFresh) } == [true, false])
        #expect(desk.state.withLock { $0.questions.map(\.model) } == [nil, ""])
    }

    @Test("A set of questions is judged by the first passage that answers")
    func evaluates() async throws {
        let folder = try TestFolder()
        try folder.write("alpha\nbeta", to: "docs/a.md")
        try folder.write("gamma\nalpha beta", to: "docs/b.md")
        #expect(try await tool().add([folder.path + "/docs"], to: "hr", AddOrder()))
        let file = try folder.write(
            """
            {"question": "gamma", "document": "b.md"}
            {"question": "alpha", "document": "b.md", "text": "alphabeta"}
            {"question": "delta", "document": "a.md"}
            """, to: "set.jsonl")
        try await tool().evaluate("hr", file: file, limit: 2, showsMisses: true)
        #expect(
            said.result.hasSuffix(
                """
                   k  recall@k     MRR@k    nDCG@k
                   1     0.333     0.333     0.333
                   2     0.667     0.500     0.544
                3 questions

                """))
        #expect(said.remarks == "missed: delta (a.md)\n")
    }

    @Test("A watched folder is followed: what is there, what changes, what is removed; other documents stay")
    func watches() async throws {
        let folder = try TestFolder()
        let other = try folder.write("other", to: "elsewhere/other.md")
        try folder.write("one", to: "docs/a.md")
        let tool = try await tool()
        #expect(try await tool.add([other], to: "hr", AddOrder()))
        let watching = Task {
            try await tool.watch("hr", folder: folder.path + "/docs", AddOrder(), interval: .milliseconds(5))
        }
        await said.hear("added a.md  version 1")
        try folder.write("one and two", to: "docs/a.md")
        await said.hear("added a.md  version 2")
        try folder.remove("docs/a.md")
        await said.hear("deleted a.md")
        watching.cancel()
        await #expect(throws: CancellationError.self) { try await watching.value }
        #expect(try await desk.documents(in: "hr").map(\.document.name) == ["other.md"])
    }

    @Test("A folder that is another one than at first empties no base")
    func anotherFolder() async throws {
        let folder = try TestFolder()
        try folder.write("one", to: "docs/a.md")
        let tool = try await tool()
        let watching = Task {
            try await tool.watch("hr", folder: folder.path + "/docs", AddOrder(), interval: .milliseconds(5))
        }
        await said.hear("added a.md")
        try FileManager.default.createDirectory(atPath: folder.path + "/empty", withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: folder.path + "/docs", toPath: folder.path + "/away")
        try? FileManager.default.moveItem(atPath: folder.path + "/empty", toPath: folder.path + "/docs")
        let error = await #expect(throws: KnowledgeError.self) { try await watching.value }
        #expect(error?.code == .invalid)
        #expect(try await desk.documents(in: "hr").count == 1)
    }

    @Test("A base that is embedded anew is told with its new model")
    func reembeds() async throws {
        try await tool().reembed("hr", model: "e5")
        #expect(said.result == "hr is of e5, 0 chunks\n")
        #expect(try await desk.bases().first?.model.name == "e5")
    }

    @Test("Documents that are not there are named, the others go")
    func deletes() async throws {
        let folder = try TestFolder()
        try folder.write("one", to: "a.md")
        #expect(try await tool().add([folder.path], to: "hr", AddOrder()))
        #expect(!(try await tool().delete(["a.md", "none.md"], from: "hr")))
        #expect(said.result.hasSuffix("deleted a.md\n"))
        #expect(said.remarks.contains("none.md"))
        #expect(try await desk.documents(in: "hr").isEmpty)
    }
}
