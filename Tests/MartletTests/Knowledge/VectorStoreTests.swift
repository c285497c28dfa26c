import FoundationEssentials
import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire
import NIOCore
import Testing

@testable import Martlet

@Suite("OpenAI's files and vector stores")
struct VectorStoreTests {
    /// What a test asks, and who puts files into stores meanwhile.
    private struct Room {
        let desk: FakeDesk
        let shelf: Shelf
        let files: Calling
        let stores: Calling
        let chat: Calling

        init(
            _ desk: FakeDesk = FakeDesk(), book: ShelfMemory = ShelfMemory(), folder: String = Room.folder()
        ) async throws {
            self.desk = desk
            shelf = try await Shelf(desk, book: book, folder: folder) { 1_800_000_000 }
            files = Calling(handler: FilesEndpoint(shelf, spool: try .temporary()))
            stores = Calling(handler: VectorStoresEndpoint(shelf, desk))
            chat = Calling(handler: FileSearchEndpoint(desk, shelf))
        }

        static func folder() -> String {
            FileManager.default.temporaryDirectory.appending(path: "martlet-shelf-\(UUID().uuidString)").path
        }

        func upload(_ name: String, _ content: String) async throws -> String {
            let answer = try await files.form(
                "/v1/files", [("purpose", nil, "assistants"), ("file", name, content)])
            return answer.json?["id"]?.words ?? ""
        }

        /// The store once nothing is on its way.
        func settled(_ id: String) async throws -> JSON? {
            while true {
                let store = try await stores(.get, "/v1/vector_stores/\(id)").json
                if store?["status"] != "in_progress" { return store }
                await Task.yield()
            }
        }
    }

    @Test("Files are kept, listed, given back and removed")
    func files() async throws {
        let room = try await Room()
        let id = try await room.upload("年假.md", "年假有十五天")
        #expect(id.hasPrefix("file-"))
        let file = try await room.files(.get, "/v1/files/\(id)").json
        #expect(file?["filename"] == "年假.md")
        #expect(file?["bytes"] == 18)
        #expect(try await room.files(.get, "/v1/files/\(id)/content").body == "年假有十五天")
        #expect(try await room.files(.get, "/v1/files?purpose=assistants").json?["first_id"] == .string(id))
        #expect(try await room.files(.get, "/v1/files?purpose=batch").json?["data"] == [])
        #expect(try await room.files(.delete, "/v1/files/\(id)").json?["deleted"] == true)
        let gone = try await room.files(.get, "/v1/files/\(id)")
        #expect(gone.status == 404)
        #expect(gone.json?["error"]?["code"] == "not_found")
        #expect(try await room.files.form("/v1/files", [("file", "../x", "a")]).status == 400)
    }

    @Test("A store takes files in the background, counts them, finds in them, and loses them")
    func stores() async throws {
        let room = try await Room()
        let good = try await room.upload("a.md", "年假有十五天")
        let same = try await room.upload("a.md", "年假二十天")
        let bad = try await room.upload("坏.md", "%BROKEN")
        let body = #"{"name": "人事", "metadata": {"k": "v"}, "expires_after": {"anchor": "last_active_at", "days": 7}}"#
        let made = try await room.stores(.post, "/v1/vector_stores", body).json
        let id = made?["id"]?.words ?? ""
        #expect(made?["name"] == "人事")
        #expect(made?["expires_at"] == 1_800_604_800)
        let batch = try await room.stores(
            .post, "/v1/vector_stores/\(id)/file_batches",
            #"{"file_ids": ["\#(good)", "\#(same)", "\#(bad)"], "attributes": {"year": 2026}}"#).json
        #expect(batch?["status"] == "in_progress")
        #expect(batch?["file_counts"]?["in_progress"] == 3)
        let run = Task { await room.shelf.run() }
        defer { run.cancel() }
        let store = try await room.settled(id)
        #expect(store?["status"] == "completed")
        #expect(store?["file_counts"] == ["in_progress": 0, "completed": 2, "failed": 1, "cancelled": 0, "total": 3])
        let failed = try await room.stores(.get, "/v1/vector_stores/\(id)/files/\(bad)").json
        #expect(failed?["last_error"] == ["code": "unsupported_file", "message": "`坏.md` cannot be read."])
        let found = try await room.stores(
            .post, "/v1/vector_stores/\(id)/search", #"{"query": "年假", "max_num_results": 5}"#).json
        guard case .array(let hits)? = found?["data"] else { return #expect(Bool(false), "nothing was found") }
        #expect(Set(hits.map { $0["file_id"]?.words }) == [good, same])
        #expect(hits.allSatisfy { $0["filename"] == "a.md" && $0["attributes"] == ["year": 2026] })
        let content = try await room.stores(.get, "/v1/vector_stores/\(id)/files/\(good)/content").json
        #expect(content?["data"] == [["type": "text", "text": "年假有十五天"]])
        let done = try await room.stores(.get, "/v1/vector_stores/\(id)/files?filter=completed&limit=1").json
        #expect(done?["has_more"] == true)
        #expect(try await room.stores(.delete, "/v1/vector_stores/\(id)/files/\(good)").json?["deleted"] == true)
        #expect(try await room.files(.delete, "/v1/files/\(same)").status == 200)
        #expect(try await room.desk.documents(in: id).isEmpty)
        #expect(try await room.stores(.delete, "/v1/vector_stores/\(id)").json?["object"] == "vector_store.deleted")
        #expect(try await room.stores(.get, "/v1/vector_stores/\(id)").status == 404)
    }

    @Test("A batch that is called off puts nothing more in")
    func cancelled() async throws {
        let room = try await Room()
        let file = try await room.upload("a.md", "年假")
        let id = try await room.stores(.post, "/v1/vector_stores", "{}").json?["id"]?.words ?? ""
        let path = "/v1/vector_stores/\(id)/file_batches"
        let batch = try await room.stores(.post, path, #"{"file_ids": ["\#(file)"]}"#).json?["id"]?.words ?? ""
        let answer = try await room.stores(.post, "\(path)/\(batch)/cancel").json
        #expect(answer?["status"] == "cancelled")
        #expect(answer?["file_counts"]?["cancelled"] == 1)
        #expect(try await room.stores(.get, "\(path)/\(batch)/files").json?["last_id"] == .string(file))
        let run = Task { await room.shelf.run() }
        defer { run.cancel() }
        #expect(try await room.settled(id)?["file_counts"]?["completed"] == 0)
        #expect(try await room.desk.documents(in: id).isEmpty)
    }

    @Test("What waits goes on after a restart, and stores are as they were")
    func restart() async throws {
        let (book, folder, desk) = (ShelfMemory(), Room.folder(), FakeDesk())
        let before = try await Room(desk, book: book, folder: folder)
        let file = try await before.upload("a.md", "年假")
        let made = try await before.stores(.post, "/v1/vector_stores", #"{"name": "x", "file_ids": ["\#(file)"]}"#)
        let id = made.json?["id"]?.words ?? ""
        #expect(made.json?["status"] == "in_progress")
        let after = try await Room(desk, book: book, folder: folder)
        let run = Task { await after.shelf.run() }
        defer { run.cancel() }
        let store = try await after.settled(id)
        #expect(store?["file_counts"]?["completed"] == 1)
        #expect(store?["name"] == "x")
    }

    @Test("Every base is a store, and its documents are files of it")
    func otherBases() async throws {
        let room = try await Room()
        try await room.desk.create(BaseSettings(name: "hr"))
        let form = try await UploadSpool.temporary().texts([("手册.md", "年假")])
        _ = try await room.desk.add(IncomingFile(name: "手册.md", path: form.files[0].path), to: "hr", IngestOptions())
        withExtendedLifetime(form.folder) {}
        #expect(try await room.stores(.get, "/v1/vector_stores").json?["first_id"] == "hr")
        let files = try await room.stores(.get, "/v1/vector_stores/hr/files").json
        let id = files?["first_id"]?.words ?? ""
        #expect(id == "doc-e6898be5868c2e6d64")
        let found = try await room.stores(.post, "/v1/vector_stores/hr/search", #"{"query": ["年", "假"]}"#).json
        #expect(found?["search_query"] == ["年", "假"])
        #expect(try await room.stores(.get, "/v1/vector_stores/hr/files/\(id)").json?["status"] == "completed")
    }

    @Test("A chat completion with file_search answers from stores, with annotations where it cites")
    func fileSearch() async throws {
        let sentence = CheckedSentence(range: 0..<3, citations: [CheckedSentence.Citation(source: 1, range: 0..<2)])
        let room = try await Room(FakeDesk(script: [.text("十五天"), .citations([sentence])]))
        try await room.desk.create(BaseSettings(name: "hr"))
        let form = try await UploadSpool.temporary().texts([("a.md", "年假")])
        _ = try await room.desk.add(IncomingFile(name: "a.md", path: form.files[0].path), to: "hr", IngestOptions())
        withExtendedLifetime(form.folder) {}
        func asked(_ more: String) -> String {
            """
            {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "年假"}]}],
            "tools": [{"type": "file_search", "vector_store_ids": ["hr"]}]\(more)}
            """
        }
        let answer = try await room.chat(.post, "/v1/chat/completions", asked("")).json
        guard case .array(let choices)? = answer?["choices"] else { return #expect(Bool(false), "no choices") }
        let note: JSON = [
            "type": "file_citation", "index": 3, "file_id": "doc-612e6d64", "filename": "a.md",
        ]
        #expect(choices[0]["message"]?["annotations"] == [note])
        #expect(choices[0]["message"]?["content"] == "十五天")
        let events = try await room.chat(.post, "/v1/chat/completions", asked(#", "stream": true"#)).events
        #expect(events.last?.data == "[DONE]")
        #expect(events.dropLast().last?.data.contains("doc-612e6d64") == true)
        let none = try await room.chat(.post, "/v1/chat/completions", #"{"messages": [], "tools": []}"#)
        #expect(none.status == 400)
    }
}
