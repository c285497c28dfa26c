import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire
import NIOCore
import Synchronization
import Testing

@testable import Martlet

@Suite("Langchain-Chatchat's routes")
struct ChatchatEndpointTests {
    private static func endpoint(_ desk: FakeDesk, _ form: ChatchatSettings.Form = .chatchat) throws -> Calling {
        var settings = ChatchatSettings()
        settings.form = form
        return Calling(
            handler: ChatchatEndpoint(
                desk, spool: try .temporary(), settings: settings, temporary: TemporaryBases(desk, most: 2)))
    }

    /// A base `hr` with one document of two chunks.
    private static func filled(_ desk: FakeDesk) async throws {
        try await desk.create(BaseSettings(name: "hr", description: "人事"))
        let form = try await UploadSpool.temporary().texts([("年假.md", "年假有十五天\n病假另算")])
        _ = try await desk.add(IncomingFile(name: "年假.md", path: form.files[0].path), to: "hr", IngestOptions())
        withExtendedLifetime(form.folder) {}
    }

    private static func code(_ answer: Calling.Answer) -> JSON? { answer.json?["code"] }

    @Test("Bases are made, listed, described and removed; a bare text names the one that goes")
    func bases() async throws {
        let desk = FakeDesk()
        let call = try Self.endpoint(desk)
        let create = "/knowledge_base/create_knowledge_base"
        let made = try await call(.post, create, #"{"knowledge_base_name": "人事", "vector_store_type": "faiss"}"#)
        #expect(made.json == ["code": 200, "msg": "已新增知识库 人事", "data": .null])
        let again = try await call(.post, create, #"{"knowledge_base_name": "人事"}"#)
        #expect(again.status == 200)
        #expect(again.json == ["code": 404, "msg": "已存在同名知识库 人事", "data": .null])
        #expect(try await call(.post, create, #"{"knowledge_base_name": " "}"#).json?["msg"] == "知识库名称不能为空，请重新填写知识库名称")
        let attack = try await call(.post, create, #"{"knowledge_base_name": "../etc"}"#)
        #expect(attack.json == ["code": 403, "msg": "Don't attack me", "data": .null])
        let described = try await call(
            .post, "/knowledge_base/update_info", #"{"knowledge_base_name": "人事", "kb_info": "制度"}"#)
        #expect(described.json?["data"] == ["kb_info": "制度"])
        let list = try await call(.get, "/knowledge_base/list_knowledge_bases").json?["data"]
        let base: JSON = [
            "id": 1, "kb_name": "人事", "kb_info": "制度", "vs_type": "martlet", "embed_model": "use", "file_count": 0,
            "create_time": "2023-11-14T22:13:20",
        ]
        #expect(list == [base])
        let delete = "/knowledge_base/delete_knowledge_base"
        #expect(Self.code(try await call(.post, delete, #""../x""#)) == 403)
        #expect(try await call(.post, delete, #""人事""#).json?["msg"] == "成功删除知识库 人事")
        #expect(try await call(.post, delete, #""人事""#).json == ["code": 404, "msg": "未找到知识库 人事", "data": .null])
    }

    @Test("A body that is not as it must be is refused as FastAPI does it, a path that is none too")
    func refusals() async throws {
        let call = try Self.endpoint(FakeDesk())
        let missing = try await call(.post, "/knowledge_base/create_knowledge_base", "{}")
        #expect(missing.status == 422)
        guard case .array(let details)? = missing.json?["detail"] else {
            return #expect(Bool(false), "\(missing.body)")
        }
        #expect(details.first?["type"] == "missing")
        #expect(details.first?["loc"] == ["body", "knowledge_base_name"])
        #expect(try await call(.post, "/knowledge_base/search_docs", "no JSON").status == 422)
        let range = #"{"query": "a", "knowledge_base_name": "b", "score_threshold": 3}"#
        #expect(try await call(.post, "/knowledge_base/search_docs", range).status == 422)
        #expect(try await call(.post, "/knowledge_base/nothing").json == ["detail": "Not Found"])
        #expect(try await call(.get, "/knowledge_base/search_docs").status == 405)
    }

    @Test("Uploads come as forms; the same content is told once more, and another one replaces it")
    func uploads() async throws {
        let desk = FakeDesk()
        let call = try Self.endpoint(desk)
        try await desk.create(BaseSettings(name: "kb"))
        func upload(_ content: String, override: String = "False") async throws -> JSON? {
            try await call.form(
                "/knowledge_base/upload_docs",
                [
                    ("knowledge_base_name", nil, "kb"), ("override", nil, override), ("chunk_size", nil, "300"),
                    ("chunk_overlap", nil, "30"), ("zh_title_enhance", nil, "True"),
                    ("files", "wiki/Home.MD", content), ("files", "../x.txt", "y"), ("files", "坏.txt", "%BROKEN"),
                ]
            ).json?["data"]?["failed_files"]
        }
        let always: Fields = [
            "../x.txt": "Don't attack me", "坏.txt": "坏.txt 文件上传失败，报错信息为：`坏.txt` cannot be read.",
        ]
        #expect(try await upload("one") == .object(always))
        let told = always.merging(["wiki/Home.MD": "文件 wiki/Home.MD 已存在。"]) { $1 }
        #expect(try await upload("one") == .object(told))
        #expect(try await upload("one", override: "True") == .object(always))
        #expect(try await upload("two") == .object(always))
        #expect(try await desk.documents(in: "kb").map(\.document.version) == [2])
        #expect(desk.state.withLock { $0.seen.count } == 4)
        #expect(desk.state.withLock { $0.seen }.allSatisfy { !FakeDesk.holds($0) })
        #expect(desk.state.withLock { $0.options[0].splitting } == .chatchat(size: 300, overlap: 30, titles: true))
        let nobody = [("knowledge_base_name", nil as String?, "no"), ("files", "a", "b")]
        #expect(Self.code(try await call.form("/knowledge_base/upload_docs", nobody)) == 404)
        let files = try await call(.get, "/knowledge_base/list_files?knowledge_base_name=kb").json?["data"]
        guard case .array(let list)? = files else { return #expect(Bool(false), "\(String(describing: files))") }
        #expect(list.first?["file_name"] == "wiki/Home.MD")
        #expect(list.first?["file_ext"] == ".MD")
        #expect(list.first?["custom_docs"] == false)
        #expect(list.first?["No"] == 1)
    }

    @Test("Documents of given chunks are kept until somebody says otherwise, and are read from no file")
    func customDocuments() async throws {
        let desk = FakeDesk()
        let call = try Self.endpoint(desk)
        try await desk.create(BaseSettings(name: "kb"))
        let docs = #"{"FAQ.MD": [{"page_content": "第一段", "metadata": {"year": 2026}}, {"page_content": "第二段"}]}"#
        let form = [
            ("knowledge_base_name", nil as String?, "kb"), ("docs", nil, docs), ("files", "a.txt", "文本"),
            ("files", "FAQ.MD", "the file itself"),
        ]
        let answer = try await call.form("/knowledge_base/upload_docs", form)
        #expect(answer.json?["data"] == ["failed_files": [:]])
        let faq = try await desk.documents(in: "kb").first { $0.document.name == "FAQ.MD" }
        #expect(faq?.chunks == 2)
        #expect(faq?.metadata == ["year": .number(2026), "custom_docs": .flag(true)])
        let download = "/knowledge_base/download_doc?knowledge_base_name=kb&file_name=FAQ.MD"
        #expect(try await call(.get, download).body == "the file itself")
        let update = #"{"knowledge_base_name": "kb", "file_names": ["FAQ.MD", "a.txt", "none.txt"]}"#
        let updated = try await call(.post, "/knowledge_base/update_docs", update)
        #expect(updated.json?["data"]?["failed_files"] == ["none.txt": "加载文档 none.txt 时出错：There is no `none.txt`."])
        #expect(try await desk.documents(in: "kb").first { $0.document.name == "FAQ.MD" } == faq)
        // Other chunks of the same document: its file stays.
        let others =
            #"{"knowledge_base_name": "kb", "file_names": ["FAQ.MD"], "docs": {"FAQ.MD": [{"page_content": "新"}]}}"#
        #expect(try await call(.post, "/knowledge_base/update_docs", others).json?["data"]?["failed_files"] == [:])
        #expect(try await desk.documents(in: "kb").first { $0.document.name == "FAQ.MD" }?.chunks == 1)
        #expect(try await call(.get, download).body == "the file itself")
        let whole = #"{"knowledge_base_name": "kb", "file_names": ["FAQ.MD"], "override_custom_docs": true}"#
        #expect(try await call(.post, "/knowledge_base/update_docs", whole).json?["data"]?["failed_files"] == [:])
        let read = try await desk.documents(in: "kb").first { $0.document.name == "FAQ.MD" }
        #expect(read?.metadata["custom_docs"] == nil)
    }

    @Test("A search takes distances and answers a bare list with the placeholder")
    func search() async throws {
        let desk = FakeDesk()
        let call = try Self.endpoint(desk)
        try await Self.filled(desk)
        let path = "/knowledge_base/search_docs"
        let said = #"{"query": "年假", "knowledge_base_name": "hr", "top_k": 5, "score_threshold": 0.5, "metadata": {}}"#
        let found: JSON = [
            "id": "0", "page_content": "年假有十五天", "type": "Document", "score": 3,
            "metadata": ["source": "年假.md", "id": "0", "page": 1],
        ]
        let answer = try await call(.post, path, said).body
        #expect(answer == JSON.array([found]).text.replacing(#""score":3,"#, with: #""score":3.0,"#))
        #expect(desk.state.withLock { $0.queries.map(\.minimumCosine) } == [0.75])
        #expect(desk.state.withLock { $0.queries.map(\.limit) } == [5])
        #expect(try await call(.post, path, #"{"query": "年假", "knowledge_base_name": "none"}"#).body == "[]")
        #expect(try await call(.post, path, #"{"knowledge_base_name": "hr"}"#).body == "[]")
        let whole = try await call(.post, path, #"{"knowledge_base_name": "hr", "file_name": "年%.MD"}"#).json
        guard case .array(let chunks)? = whole else { return #expect(Bool(false), "no list") }
        #expect(chunks.map { $0["page_content"] } == ["年假有十五天", "病假另算"])
        #expect(try await call(.post, path, #"{"knowledge_base_name": "hr", "file_name": "病%"}"#).body == "[]")
    }

    @Test("Documents go one by one, and a file comes back as it was")
    func filesAndRemoval() async throws {
        let desk = FakeDesk()
        let call = try Self.endpoint(desk)
        try await Self.filled(desk)
        let download = "/knowledge_base/download_doc?knowledge_base_name=hr&file_name="
        let file = try await call(.get, download + "%E5%B9%B4%E5%81%87.md")
        #expect(file.body == "年假有十五天\n病假另算")
        #expect(file.headers.first?.value == "attachment; filename*=utf-8''%E5%B9%B4%E5%81%87.md")
        #expect(Self.code(try await call(.get, download + "..%2F..%2Fetc%2Fpasswd")) == 403)
        #expect(Self.code(try await call(.get, download + "none.md")) == 500)
        let gone = try await call(
            .post, "/knowledge_base/delete_docs", #"{"knowledge_base_name": "hr", "file_names": ["年假.md", "x"]}"#)
        #expect(gone.json == ["code": 200, "msg": "文件删除完成", "data": ["failed_files": ["x": "未找到文件 x"]]])
        #expect(try await desk.documents(in: "hr").isEmpty)
    }

    @Test("A base made anew tells of each file in an event of its own")
    func recreate() async throws {
        let desk = FakeDesk()
        let call = try Self.endpoint(desk)
        try await Self.filled(desk)
        let path = "/knowledge_base/recreate_vector_store"
        let events = try await call(.post, path, #"{"knowledge_base_name": "hr"}"#).events
        #expect(events.map(\.data) == [#"{"code":200,"doc":"年假.md","finished":1,"msg":"(1 / 1): 年假.md","total":1}"#])
        #expect(try await desk.bases().first?.model.name == "use")
        let none = try await call(.post, path, #"{"knowledge_base_name": "no", "allow_empty_kb": false}"#).events
        #expect(none.count == 1)
        #expect(none[0].data.contains("未找到知识库 ‘no’"))
    }

    @Test("Temporary bases have an id, are in no list, and the oldest one goes")
    func temporary() async throws {
        let desk = FakeDesk()
        let call = try Self.endpoint(desk)
        func upload() async throws -> String {
            let answer = try await call.form("/knowledge_base/upload_temp_docs", [("files", "a.txt", "年假")])
            return answer.json?["data"]?["id"]?.words ?? ""
        }
        let first = try await upload()
        #expect(first.count == 32)
        #expect(try await call(.get, "/knowledge_base/list_knowledge_bases").json?["data"] == [])
        let search = #"{"knowledge_id": "\#(first)", "query": "年假", "top_k": 3, "score_threshold": 1}"#
        #expect(try await call(.post, "/knowledge_base/search_temp_docs", search).body.contains("年假"))
        let chat = try await call(.post, "/chat/file_chat", #"{"query": "年假", "knowledge_id": "\#(first)"}"#).events
        #expect(chat.map(\.data) == [#"{"answer":"年假","docs":["出处 [1] [a.txt] \n\n年假\n\n"]}"#])
        let streamed = try await call(
            .post, "/chat/file_chat", #"{"query": "年假", "knowledge_id": "\#(first)", "stream": true}"#)
        #expect(streamed.events.map(\.data) == [#"{"answer":"年假"}"#, #"{"docs":["出处 [1] [a.txt] \n\n年假\n\n"]}"#])
        _ = try await upload()
        _ = try await upload()
        #expect(desk.state.withLock { $0.bases.count } == 2)
        let late = try await call(.post, "/chat/file_chat", #"{"query": "x", "knowledge_id": "\#(first)"}"#)
        #expect(Self.code(late) == 404)
    }

    @Test("What its client asks of the server is there")
    func server() async throws {
        let call = try Self.endpoint(FakeDesk())
        #expect(try await call(.post, "/server/configs").json == ["api_address": "http://kb.example:7861"])
        #expect(!(try await call(.post, "/server/get_prompt_template", #"{"type": "llm_model"}"#).body.isEmpty))
        #expect(try await call(.post, "/chat/feedback", #"{"message_id": "1", "score": 90}"#).json?["code"] == 200)
        #expect(try await call(.get, "/tools").json?["data"]?["search_local_knowledgebase"] != nil)
    }
}
