import Foundation
import MartletKnowledge
import MartletLogic
import MartletWire
import NIOCore
import Synchronization
import Testing

@testable import Martlet

@Suite("Knowledge of a server", .timeLimit(.minutes(1)))
struct RemoteDeskTests {
    /// With a desk that asks a server.
    @discardableResult
    private static func asking<Value>(
        _ answer: @escaping AnsweringServer.Answer, _ body: (RemoteDesk, AnsweringServer) async throws -> Value
    ) async throws -> Value {
        try await AnsweringServer.with(answer) { server in
            let desk = try RemoteDesk(server.url, key: nil)
            defer { desk.close() }
            return try await body(desk, server)
        }
    }

    private static func events(_ events: [(String, String)]) -> String {
        let text = events.map { "event: \($0)\r\ndata: \($1)\r\n\r\n" }.joined()
        return AnsweringServer.reply(": still there\r\n\r\n" + text, type: "text/event-stream")
    }

    // MARK: What is said, read back

    private static func fields(_ json: JSON) throws -> RequestFields { try RequestFields(of: json) }

    @Test("What Martlet's paths say is read as it was")
    func readsWhatIsSaid() throws {
        let document = DocumentVersion(base: "hr", name: "制度/年假.md", version: 3)
        let base = BaseSummary(
            name: "人事", description: "", model: EmbeddingModel(name: "use", version: "3", dimensions: 512),
            documents: 1, chunks: 2, created: 1_700_000_000.5, epoch: 7)
        #expect(try BaseSummary(Self.fields(JSON(base))) == base)
        let summary = DocumentSummary(
            document: document, type: "text/markdown", bytes: 10, chunks: 2, added: 1_700_000_000,
            metadata: ["year": .number(2026), "by": .text("王"), "final": .flag(true)], hash: "ab")
        #expect(try DocumentSummary(Self.fields(JSON(summary)), base: "hr") == summary)
        let added = Added(document: document, chunks: 2, embedded: 1, isNew: true, nearDuplicates: ["b.md"])
        #expect(try Added(Self.fields(JSON(added)), base: "hr") == added)
        for place in [DocumentPlace.page(2), .slide(1), .sheet("一月"), .chapter("I"), nil] {
            var passage = ToolTextTests.passage(place: place)
            passage.metadata = summary.metadata
            #expect(try Passage(Self.fields(JSON(passage))) == passage)
        }
        var bare = ToolTextTests.passage()
        bare.why = Passage.Why()
        #expect(try Passage(Self.fields(JSON(bare))) == bare)
        let sentence = CheckedSentence(
            range: 0..<5, citations: [.init(source: 1, range: 7..<9)],
            flaws: [.unknownDetail("42"), .unsupported, .unknownSource(9)])
        #expect(try CheckedSentence(Self.fields(JSON(sentence))) == sentence)
        for kind in [AnswerEnd.Kind.answered, .cached, .refused, .degraded] {
            let end = AnswerEnd(kind: kind, finishReason: "length", promptTokens: 5, answerTokens: nil)
            #expect(try AnswerEnd(Self.fields(JSON(end))) == end)
        }
        let text = DocumentText(
            text: "一\n二", title: "t", places: [PlaceMark(offset: 0, place: .page(1))],
            headings: [HeadingMark(offset: 2, level: 1, title: "二")])
        #expect(try DocumentText(Self.fields(JSON(text))) == text)
    }

    // MARK: Files

    @Test("A file is uploaded with its name and how it is to be cut, and its progress is heard")
    func adds() async throws {
        let folder = try TestFolder()
        let content = String(repeating: "年假有十五天。\r\n", count: 20_000)
        let path = try folder.write(content, to: "a.md")
        let heard = Mutex([[Int]]())
        var options = IngestOptions()
        options.splitting = .chatchat(size: 500, overlap: 50, titles: false)
        options.progress = { done, count in heard.withLock { $0.append([done, count]) } }
        let answer = Self.events([
            ("file", #"{"name": "制度/年假.md", "bytes": 1}"#),
            ("progress", #"{"name": "制度/年假.md", "bytes": 1, "done": 1, "of": 2}"#),
            ("added", #"{"name": "制度/年假.md", "version": 4, "chunks": 2, "embedded": 1, "new": true}"#),
            ("end", #"{"added": 1, "failed": 0}"#),
        ])
        let file = IncomingFile(name: "制度/年假.md", path: path, metadata: ["year": .number(2026)])
        let (added, request) = try await Self.asking({ _ in answer }) { [options] desk, server in
            (try await desk.add(file, to: "人事", options), try #require(server.requests.first))
        }
        #expect(added.document == DocumentVersion(base: "人事", name: "制度/年假.md", version: 4))
        #expect(added.embedded == 1)
        #expect(heard.withLock { $0 } == [[1, 2]])
        #expect(request.path == "/knowledge/%E4%BA%BA%E4%BA%8B/documents")
        #expect(request.headers.value(.accept) == "text/event-stream")
        let (fields, files) = try Self.form(request)
        #expect(files == ["制度/年假.md": content])
        #expect(fields["splitting"] == "chatchat")
        #expect(fields["chunk_size"] == "500" && fields["chunk_overlap"] == "50")
        #expect(fields["metadata"] == #"{"year":2026}"#)
    }

    /// Fields, and files by name.
    private static func form(_ request: AnsweringServer.Request) throws -> ([String: String], [String: String]) {
        var reader = try #require(try MultipartReader(contentType: request.headers.value(.contentType) ?? ""))
        var (body, fields, files) = (request.body, [String: String](), [String: String]())
        var (part, content) = (FormPart(name: ""), ByteBuffer())
        reading: while true {
            switch try reader.next(&body) {
            case .part(let head): (part, content) = (head, ByteBuffer())
            case .bytes(let bytes): content.writeImmutableBuffer(bytes)
            case .partEnd:
                if let name = part.filename {
                    files[name] = String(buffer: content)
                } else {
                    fields[part.name] = String(buffer: content)
                }
            case .end, .needMore: break reading
            }
        }
        return (fields, files)
    }

    @Test("A file that the server cannot read is its error; one that is not there is ours")
    func unreadable() async throws {
        let folder = try TestFolder()
        let path = try folder.write("x", to: "a.pdf")
        let answer = Self.events([
            ("failed", #"{"name": "a.pdf", "code": "unreadable", "message": "a.pdf is no PDF."}"#),
            ("end", #"{"added": 0, "failed": 1}"#),
        ])
        try await Self.asking({ _ in answer }) { desk, server in
            let file = IncomingFile(name: "a.pdf", path: path)
            await #expect(throws: KnowledgeError(.unreadable, "a.pdf is no PDF.")) {
                try await desk.add(file, to: "hr", IngestOptions())
            }
            let error = await #expect(throws: KnowledgeError.self) {
                try await desk.add(IncomingFile(name: "b.pdf", path: path + "x"), to: "hr", IngestOptions())
            }
            #expect(error?.code == .unreadable)
            #expect(server.requests.count == 1)
        }
    }

    @Test("A document's file is fetched whole, and gone when the desk is closed")
    func fetches() async throws {
        let content = String(repeating: "页", count: 50_000)
        let file = try await Self.asking({ _ in AnsweringServer.reply(content, type: "text/plain") }) { desk, server in
            let file = try await desk.file("a/b c.txt", in: "hr")
            #expect(server.requests.first?.path == "/knowledge/hr/documents/a/b%20c.txt/file")
            #expect(FileManager.default.contents(atPath: file.path) == Data(content.utf8))
            return file
        }
        #expect(file.type == "text/plain" && file.bytes == content.utf8.count)
        #expect(!FileManager.default.fileExists(atPath: file.path))
    }

    @Test("A name that is none leads to no other path", arguments: ["../../it", "a/./b", ""])
    func hostileNames(name: String) async throws {
        try await Self.asking({ _ in AnsweringServer.reply("{}") }) { desk, server in
            await #expect(throws: KnowledgeError.self) { try await desk.delete([name], from: "hr", files: true) }
            await #expect(throws: KnowledgeError.self) { try await desk.remove(base: name) }
            #expect(server.requests.isEmpty)
        }
    }

    // MARK: Lists and errors

    @Test("A long list is asked for page by page")
    func pages() async throws {
        let answer: AnsweringServer.Answer = { request in
            let next = request.path.hasSuffix("next=0") ? "1000" : "null"
            let name = request.path.hasSuffix("next=0") ? "a.md" : "b.md"
            return AnsweringServer.reply(
                """
                {"documents": [{"name": "\(name)", "version": 1, "type": "text/plain", "bytes": 1, "chunks": 1,
                "added": 1, "metadata": {}, "sha256": ""}], "total": 2, "next": \(next)}
                """)
        }
        let names = try await Self.asking(answer) { desk, _ in
            try await desk.documents(in: "hr").map(\.document.name)
        }
        #expect(names == ["a.md", "b.md"])
    }

    @Test("What the server says is wrong keeps its code and its words", arguments: [
        (404, #"{"error": {"code": "not_found", "message": "None."}}"#, KnowledgeError(.notFound, "None.")),
        (409, #"{"error": {"code": "already_exists", "message": "One."}}"#, KnowledgeError(.alreadyExists, "One.")),
        (503, "busy", KnowledgeError(.overloaded, "The server answered 503. busy")),
    ])
    func errors(status: Int, body: String, expected: KnowledgeError) async throws {
        try await Self.asking({ _ in AnsweringServer.reply(body, status: status) }) { desk, _ in
            await #expect(throws: expected) { try await desk.create(BaseSettings(name: "hr")) }
        }
    }

    @Test("A server that is not there, or is another one, is told in a sentence")
    func noServer() async throws {
        let url = try await Self.asking({ _ in AnsweringServer.reply("<html>") }) { desk, server in
            let error = await #expect(throws: KnowledgeError.self) { _ = try await desk.bases() }
            #expect(error?.code == .unavailable)
            return server.url
        }
        let desk = try RemoteDesk(url, key: nil)
        defer { desk.close() }
        let error = await #expect(throws: KnowledgeError.self) { _ = try await desk.bases() }
        #expect(error?.code == .unavailable)
        #expect(error?.message.hasPrefix(url) == true)
    }

    // MARK: Answers

    @Test("An answer's events come in their order")
    func answers() async throws {
        let answer = Self.events([
            ("sources", #"{"sources": []}"#), ("reasoning", #"{"text": "hm"}"#), ("text", #"{"text": "十五天"}"#),
            ("citations", #"{"sentences": [{"range": [0, 3], "citations": [], "flaws": []}]}"#),
            ("end", #"{"kind": "answered", "finish_reason": "stop", "prompt_tokens": 7, "answer_tokens": 3}"#),
        ])
        var question = Question("几天?", bases: ["hr", "it"])
        question.history = [Question.Turn(.user, "你好")]
        let (events, request) = try await Self.asking({ _ in answer }) { [question] desk, server in
            var events: [AnswerEvent] = []
            for try await event in desk.answer(question) { events.append(event) }
            return (events, try #require(server.requests.first))
        }
        let end = AnswerEnd(kind: .answered, promptTokens: 7, answerTokens: 3)
        #expect(
            events == [
                .sources([]), .reasoning("hm"), .text("十五天"), .citations([CheckedSentence(range: 0..<3)]), .end(end),
            ])
        #expect(request.path == "/knowledge/hr/ask")
        let body = try JSON.parse(request.body.readableBytesView)
        #expect(body["question"] == "几天?" && body["bases"] == ["hr", "it"])
        #expect(body["history"] == [["role": "user", "content": "你好"]])
    }

    @Test("An answer that breaks off says so, with the server's words where it has some")
    func brokenAnswers() async throws {
        let told = Self.events([
            ("sources", #"{"sources": []}"#), ("error", #"{"error": {"code": "unavailable", "message": "Down."}}"#),
        ])
        for (text, words) in [(told, "Down."), (Self.events([("text", #"{"text": "a"}"#)]), "broke off")] {
            try await Self.asking({ _ in text }) { desk, _ in
                let error = await #expect(throws: KnowledgeError.self) {
                    for try await _ in desk.answer(Question("?", bases: ["hr"])) {}
                }
                #expect(error?.message.contains(words) == true)
            }
        }
    }

    @Test("Who leaves an answer ends the connection")
    func leaves() async throws {
        let begun = "HTTP/1.1 200 OK\r\n\r\nevent: text\r\ndata: {\"text\": \"a\"}\r\n\r\n"
        try await Self.asking({ _ in begun }) { desk, server in
            for try await event in desk.answer(Question("?", bases: ["hr"])) {
                #expect(event == .text("a"))
                break
            }
            await server.firstClose()
        }
    }
}
