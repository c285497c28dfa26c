import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire
import Testing

@testable import Martlet

@Suite("Langchain-Chatchat's routes that read files again")
struct ChatchatReadingTests {
    @Test("Files are read anew though they are the same, with what is known of them, and when their documents are gone")
    func readAnew() async throws {
        let desk = FakeDesk()
        let call = Calling(
            handler: ChatchatEndpoint(
                desk, spool: try .temporary(), settings: ChatchatSettings(), temporary: TemporaryBases(desk)))
        try await desk.create(BaseSettings(name: "hr"))
        let form = try await UploadSpool.temporary().texts([("年假.md", "年假有十五天"), ("b.txt", "病假")])
        for file in form.files {
            let metadata: [String: MetadataValue] = file.name == "b.txt" ? ["year": .number(2026)] : [:]
            let incoming = IncomingFile(name: file.name, path: file.path, metadata: metadata)
            _ = try await desk.add(incoming, to: "hr", IngestOptions())
        }
        withExtendedLifetime(form.folder) {}
        func versions() async throws -> [Int] { try await desk.documents(in: "hr").map(\.document.version) }
        let update = #"{"knowledge_base_name": "hr", "file_names": ["b.txt"], "chunk_size": 60, "chunk_overlap": 0}"#
        #expect(try await call(.post, "/knowledge_base/update_docs", update).json?["data"]?["failed_files"] == [:])
        #expect(try await versions() == [2, 1])
        #expect(try await desk.documents(in: "hr").first?.metadata == ["year": .number(2026)])
        _ = try await call(
            .post, "/knowledge_base/delete_docs", #"{"knowledge_base_name": "hr", "file_names": ["年假.md"]}"#)
        let list = try await call(.get, "/knowledge_base/list_files?knowledge_base_name=hr").json?["data"]
        guard case .array(let files)? = list else { return #expect(Bool(false), "no list") }
        #expect(files.map { $0["file_name"] } == ["b.txt", "年假.md"])
        #expect(files.map { $0["in_db"] } == [true, false])
        #expect(files.map { $0["No"] } == [1, 2])
        let events = try await call(
            .post, "/knowledge_base/recreate_vector_store", #"{"knowledge_base_name": "hr"}"#).events
        #expect(events.count == 2 && events.allSatisfy { $0.data.contains(#""code":200"#) })
        #expect(try await versions() == [3, 1])
        #expect(try await desk.documents(in: "hr").first?.metadata == ["year": .number(2026)])
    }
}
