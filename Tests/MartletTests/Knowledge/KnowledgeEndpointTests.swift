import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire
import NIOCore
import Synchronization
import Testing

@testable import Martlet

@Suite("Martlet's own paths to knowledge")
struct KnowledgeEndpointTests {
    private static func call(_ desk: FakeDesk, spool: UploadSpool? = nil) throws -> Calling {
        Calling(handler: KnowledgeEndpoint(desk, spool: try spool ?? .temporary()))
    }

    private static let document = "/knowledge/hr/documents/%E5%88%B6%E5%BA%A6/%E5%B9%B4%E5%81%87.md"

    @Test("Bases are made, shown, described and removed")
    func bases() async throws {
        let call = try Self.call(FakeDesk())
        let made = try await call(.post, "/knowledge", #"{"name": "人事", "description": "a"}"#)
        #expect(made.status == 201)
        #expect(made.json?["name"] == "人事")
        #expect(try await call(.post, "/knowledge", #"{"name": "人事"}"#).status == 409)
        #expect(try await call(.post, "/knowledge", #"{"name": "a/../b"}"#).status == 400)
        let path = "/knowledge/%E4%BA%BA%E4%BA%8B"
        #expect(try await call(.patch, path, #"{"description": "b"}"#).json?["description"] == "b")
        guard case .array(let bases)? = try await call(.get, "/knowledge").json?["bases"] else {
            return #expect(Bool(false), "no list")
        }
        #expect(bases.map { $0["embedding"]?["dimensions"] } == [512])
        #expect(try await call(.delete, path).json == ["name": "人事", "deleted": true])
        let gone = try await call(.get, path)
        #expect(gone.status == 404)
        #expect(gone.json?["error"]?["code"] == "not_found")
        #expect(try await call(.put, path).status == 405)
    }

    @Test("Pages of other sites change nothing")
    func otherSites() async throws {
        let desk = FakeDesk()
        let answer = try await Self.call(desk)(
            .post, "/knowledge", #"{"name": "x"}"#, headers: [("Origin", "https://evil.example")])
        #expect(answer.status == 401)
        #expect(desk.state.withLock { $0.bases.isEmpty })
    }

    @Test("A document is put, shown with its parts, and removed; its name may have folders")
    func documents() async throws {
        let desk = FakeDesk()
        let call = try Self.call(desk)
        try await desk.create(BaseSettings(name: "hr"))
        let put = try await call(.put, Self.document, "年假有十五天\n病假另算\n事假不计")
        guard case .array(let added)? = put.json?["added"] else { return #expect(Bool(false), "\(put.body)") }
        #expect(added[0]["name"] == "制度/年假.md")
        #expect(added[0]["embedded"] == 3)
        #expect(try await call(.get, Self.document).json?["version"] == 1)
        #expect(try await call(.get, Self.document + "/file").body.hasPrefix("年假有十五天"))
        #expect(try await call(.get, Self.document + "/text?version=1").json?["text"] == "年假有十五天\n病假另算\n事假不计")
        let page = try await call(.get, Self.document + "/chunks?limit=2").json
        #expect(page?["next"] == 2)
        guard case .array(let chunks)? = page?["chunks"] else { return #expect(Bool(false), "no chunks") }
        #expect(chunks.map { $0["text"] } == ["年假有十五天", "病假另算"])
        #expect(chunks[1]["place"] == ["kind": "page", "number": 2])
        #expect(try await call(.get, Self.document + "/chunks?limit=2&next=2").json?["next"] == .null)
        #expect(try await call(.delete, Self.document).json?["deleted"] == true)
        #expect(try await call(.get, Self.document).status == 404)
        #expect(try await call(.put, "/knowledge/no/documents/a.txt", "x").status == 404)
    }

    @Test("Of several files those that cannot be read are told by name, and the others are taken")
    func severalFiles() async throws {
        let desk = FakeDesk()
        let call = try Self.call(desk)
        try await desk.create(BaseSettings(name: "hr"))
        let parts = [
            ("files", "a.txt" as String?, "one"), ("files", "坏.txt", "%BROKEN"), ("metadata", nil, #"{"year": 2026}"#),
        ]
        let answer = try await call.form("/knowledge/hr/documents", parts)
        let failed: JSON = ["name": "坏.txt", "code": "unreadable", "message": "`坏.txt` cannot be read."]
        #expect(answer.json?["failed"] == [failed])
        #expect(try await desk.documents(in: "hr").map(\.metadata) == [["year": .number(2026)]])
    }

    @Test("Progress is told as events, file by file")
    func progress() async throws {
        let desk = FakeDesk()
        try await desk.create(BaseSettings(name: "hr"))
        let parts = [("files", "a.txt" as String?, "one\ntwo"), ("files", "坏.txt", "%BROKEN")]
        let events = try await Self.call(desk).form(
            "/knowledge/hr/documents", parts, headers: [("Accept", "text/event-stream")]).events
        let names = events.map(\.name).filter { $0 != "progress" }
        #expect(names == ["file", "added", "file", "failed", "end"])
        let last = events.last { $0.name == "progress" }
        #expect(last?.data == #"{"bytes":7,"done":2,"name":"a.txt","of":2}"#)
        #expect(events.last?.data == #"{"added":1,"failed":1}"#)
    }

    @Test("A base that is embedded anew tells how far it is, and at the end which model it has; or it is told whole")
    func reembed() async throws {
        let desk = FakeDesk()
        let call = try Self.call(desk)
        try await desk.create(BaseSettings(name: "hr"))
        let whole = try await call(.post, "/knowledge/hr/reembed", #"{"embedding": "e5"}"#).json
        #expect(whole?["embedding"]?["name"] == "e5")
        #expect(try await call(.post, "/knowledge/hr/reembed").json?["embedding"]?["name"] == "standard")
        #expect(try await call(.post, "/knowledge/hr/reembed", #"{"embedding": "broken"}"#).status == 503)
        #expect(try await call(.post, "/knowledge/none/reembed").status == 404)
        #expect(try await call(.get, "/knowledge/hr/reembed").status == 405)
    }

    @Test("A search says why each passage was found; filters are passed on")
    func search() async throws {
        let desk = FakeDesk()
        let call = try Self.call(desk)
        try await desk.create(BaseSettings(name: "hr"))
        _ = try await call(.put, Self.document, "年假有十五天")
        let asked = """
            {"query": "年假", "limit": 4, "minimum_score": 0.2, "filter": {"type": "and", "filters": [
            {"type": "gte", "key": "year", "value": 2026}, {"type": "in", "key": "lang", "value": ["zh", "en"]}]}}
            """
        let answer = try await call(.post, "/knowledge/hr/search", asked).json
        guard case .array(let passages)? = answer?["passages"] else { return #expect(Bool(false), "no passages") }
        #expect(passages[0]["document"] == ["base": "hr", "name": "制度/年假.md", "version": 1])
        #expect(passages[0]["why"]?["word_rank"] == 1)
        #expect(passages[0]["why"]?["cosine"] == .null)
        let either = DocumentFilter.any([
            .compare(key: "lang", .equal, .text("zh")), .compare(key: "lang", .equal, .text("en")),
        ])
        let query = RetrievalQuery(
            text: "年假", limit: 4, minimumScore: 0.2,
            filter: .all([.compare(key: "year", .atLeast, .number(2026)), either]))
        #expect(desk.state.withLock { $0.queries } == [query])
        for wrong in [#"{"type": "odd"}"#, #"{"type": "eq", "key": "a"}"#, #"{"type": "eq", "key": "a", "value": []}"#] {
            #expect(try await call(.post, "/knowledge/hr/search", #"{"query": "a", "filter": \#(wrong)}"#).status == 400)
        }
        #expect(try await call(.post, "/knowledge/hr/search", #"{"query": ""}"#).status == 400)
        // Parts count together, however they are nested.
        let values = (0..<80).map { "\($0)" }.joined(separator: ",")
        let part = #"{"type": "in", "key": "year", "value": [\#(values)]}"#
        let many = #"{"type": "or", "filters": [\#(part), \#(part), \#(part)]}"#
        #expect(try await call(.post, "/knowledge/hr/search", #"{"query": "a", "filter": \#(many)}"#).status == 400)
    }

    @Test("An answer is told in the order of its events, or whole")
    func ask() async throws {
        let sentence = CheckedSentence(
            range: 0..<3, citations: [CheckedSentence.Citation(source: 1, range: 2..<6)], flaws: [.unknownDetail("16")])
        let desk = FakeDesk(script: [.reasoning("想"), .text("十五天"), .citations([sentence])])
        let call = try Self.call(desk)
        try await desk.create(BaseSettings(name: "hr"))
        _ = try await call(.put, Self.document, "年假有十五天")
        let asked = """
            {"question": "年假", "session": "s1", "history": [{"role": "user", "content": "你好"}], "fresh": true}
            """
        let events = try await call(.post, "/knowledge/hr/ask", asked).events
        #expect(events.map(\.name) == ["sources", "reasoning", "text", "citations", "end"])
        let told = """
            {"citations":[{"range":[2,6],"source":1}],"flaws":[{"detail":"16","kind":"unknown_detail"}],"range":[0,3]}
            """
        #expect(events[3].data == #"{"sentences":[\#(told)]}"#)
        #expect(events[4].data.contains(#""kind":"answered""#))
        let question = desk.state.withLock { $0.questions[0] }
        #expect(question.session == "s1")
        #expect(question.isFresh)
        #expect(question.history == [Question.Turn(.user, "你好")])
        let whole = try await call(.post, "/knowledge/hr/ask", #"{"question": "年假", "stream": false}"#).json
        #expect(whole?["answer"] == "十五天")
        #expect(whole?["reasoning"] == "想")
        #expect(whole?["end"]?["prompt_tokens"] == 7)
        let none = try await call(.post, "/knowledge/no/ask", #"{"question": "年假"}"#)
        #expect(none.status == 404)
    }
}

@Suite("Uploads on the disk")
struct UploadSpoolTests {
    private static func request(_ boundary: String = "b") -> LocalRequest {
        Calling.request(.post, "/x", "", headers: [("Content-Type", "multipart/form-data; boundary=\(boundary)")])
    }

    private static func body(_ size: Int) -> LocalBody {
        let head = "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"../../a\"\r\n\r\n"
        return LocalBody(ByteBuffer(string: head + String(repeating: "x", count: size) + "\r\n--b--"))
    }

    @Test("Files lie under numbers, and go when nobody holds them")
    func removal() async throws {
        let spool = try UploadSpool.temporary()
        var path = ""
        do {
            let form = try await spool.form(Self.request(), Self.body(600_000))
            path = form.files[0].path
            #expect(form.files.map(\.bytes) == [600_000])
            #expect(form.files.map(\.name) == ["../../a"])
            #expect(path.hasSuffix("/1/1"))
            #expect(spool.usedBytes == 600_000)
            #expect(FakeDesk.holds(path))
            withExtendedLifetime(form.folder) {}
        }
        #expect(!FakeDesk.holds(path))
        #expect(spool.usedBytes == 0)
    }

    @Test("An upload beyond the limit, one that breaks off and one that is no form leave nothing behind")
    func refusals() async throws {
        let spool = try UploadSpool.temporary(limit: 1000)
        await #expect(throws: KnowledgeError.self) { try await spool.form(Self.request(), Self.body(1001)) }
        #expect(spool.usedBytes == 0)
        let broken = LocalBody {}
        _ = broken.push(ByteBuffer(string: "--b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\nabc"))
        broken.fail(CancellationError())
        await #expect(throws: CancellationError.self) { try await spool.form(Self.request(), broken) }
        let short = LocalBody(ByteBuffer(string: "--b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\nabc"))
        await #expect(throws: KnowledgeError(.invalid, "The upload is refused: the form is not complete.")) {
            try await spool.form(Self.request(), short)
        }
        let plain = Calling.request(.post, "/x", "", headers: [("Content-Type", "text/plain")])
        await #expect(throws: KnowledgeError.self) { try await spool.form(plain, Self.body(1)) }
        #expect(spool.usedBytes == 0)
        #expect(try await spool.form(Self.request(), Self.body(1000)).files.count == 1)
    }
}

@Suite("Dify's retrieval, and the tool for assistants")
struct OtherKnowledgeTests {
    private static func filled() async throws -> FakeDesk {
        let desk = FakeDesk()
        try await desk.create(BaseSettings(name: "hr"))
        let form = try await UploadSpool.temporary().texts([("a.md", "年假有十五天")])
        _ = try await desk.add(IncomingFile(name: "a.md", path: form.files[0].path), to: "hr", IngestOptions())
        withExtendedLifetime(form.folder) {}
        return desk
    }

    @Test("Dify is told records with metadata that is always an object")
    func dify() async throws {
        let desk = try await Self.filled()
        let call = Calling(handler: DifyEndpoint(desk))
        let asked = """
            {"knowledge_id": "hr", "query": "年假", "retrieval_setting": {"top_k": 2, "score_threshold": 0.5},
            "metadata_condition": {"logical_operator": "or", "conditions": [
            {"name": ["team"], "comparison_operator": "is", "value": "hr"},
            {"name": ["year"], "comparison_operator": "≥", "value": 2026}]}}
            """
        let record: JSON = [
            "content": "年假有十五天", "score": .number(0.75), "title": "a.md",
            "metadata": ["path": "a.md", "place": ["kind": "page", "number": 1]],
        ]
        #expect(try await call(.post, "/dify/retrieval", asked).json == ["records": [record]])
        let query = desk.state.withLock { $0.queries[0] }
        #expect((query.limit, query.minimumScore) == (2, 0.5))
        let filter = DocumentFilter.any([
            .compare(key: "team", .equal, .text("hr")), .compare(key: "year", .atLeast, .number(2026)),
        ])
        #expect(query.filter == filter)
        let none = try await call(.post, "/dify/retrieval", #"{"knowledge_id": "no", "query": "a"}"#)
        #expect(none.status == 404)
        #expect(none.json?["error_code"] == 2001)
    }

    @Test("An assistant reads passages with what they are from")
    func tool() async throws {
        let tool = SearchTool(try await Self.filled())
        #expect(tool.description["name"] == "search_knowledge")
        let found = try await tool.call(["query": "年假"])
        #expect(found == ("[1] hr/a.md, page 1\n年假有十五天", false))
        #expect(try await tool.call(["query": "加班", "bases": ["hr"]]) == ("Nothing was found.", false))
        #expect(try await tool.call(["query": "x", "bases": ["no"]]).isError)
        #expect(try await tool.call(["bases": ["hr"]]).isError)
    }
}
