import MartletKnowledge
import MartletLogic
import MartletWire
import NIOCore
import Synchronization
import Testing

@testable import Martlet

@Suite("The command line's desk and Martlet's own paths", .timeLimit(.minutes(1)))
struct RemoteDeskEndpointTests {
    /// With a desk that asks the real paths, before a fake desk.
    private static func joined(_ body: (RemoteDesk, FakeDesk) async throws -> Void) async throws {
        let behind = FakeDesk()
        let call = Calling(handler: KnowledgeEndpoint(behind, spool: try .temporary()))
        let answer: AnsweringServer.Answer = { request in
            let headers = ["accept", "content-type"].compactMap { name in
                request.headers.value(named: name).map { (name, $0) }
            }
            let answer = try await call(request.method, request.path, String(buffer: request.body), headers: headers)
            return AnsweringServer.reply(answer.body, status: answer.status)
        }
        try await AnsweringServer.with(answer) { server in
            let desk = try RemoteDesk(server.url, key: nil)
            defer { desk.close() }
            try await body(desk, behind)
        }
    }

    @Test("Whatever one desk is asked, the other answers")
    func bothSides() async throws {
        let folder = try TestFolder()
        let path = try folder.write("年假有十五天\n病假另算", to: "a.md")
        try await Self.joined { desk, behind in
            try await desk.create(BaseSettings(name: "人事", description: "a"))
            try await desk.describe("人事", as: "b")
            #expect(try await desk.bases() == behind.bases())
            #expect(try await desk.bases().map(\.description) == ["b"])

            var options = IngestOptions()
            options.splitting = .chatchat(size: 500, overlap: 50, titles: false)
            let file = IncomingFile(name: "制度/年假.md", path: path, metadata: ["year": .number(2026)])
            let added = try await desk.add(file, to: "人事", options)
            #expect(added.isNew && added.chunks == 2)
            #expect(try await desk.add(file, to: "人事", options).isNew == false)
            #expect(behind.state.withLock { $0.options.map(\.splitting) }.allSatisfy { $0 == options.splitting })
            #expect(try await desk.documents(in: "人事") == behind.documents(in: "人事"))
            #expect(try await desk.text(of: added.document).text == "年假有十五天\n病假另算")
            let chunks = try await behind.chunks(of: file.name, in: "人事", from: 1, atMost: 5)
            #expect(try await desk.chunks(of: file.name, in: "人事", from: 1, atMost: 5) == chunks)
            #expect(try await desk.file(file.name, in: "人事").bytes == 31)

            let query = RetrievalQuery(text: "年假", limit: 2)
            #expect(try await desk.search(query, in: ["人事"]) == behind.search(query, in: ["人事"]))
            var events: [AnswerEvent] = []
            for try await event in desk.answer(Question("年假", bases: ["人事"])) { events.append(event) }
            #expect(events.last == .end(AnswerEnd(kind: .answered, promptTokens: 7, answerTokens: 3)))
            #expect(events.contains(.text("年假有十五天")))

            #expect(try await desk.delete([file.name, "none"], from: "人事", files: true).keys.sorted() == ["none"])
            try await desk.remove(base: "人事")
            #expect(try await behind.bases().isEmpty)
        }
    }
}
