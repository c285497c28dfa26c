import MartletBase
import MartletExchange
import MartletWire
import NIOCore
import Testing

@testable import Martlet

@Suite("In front of knowledge")
struct KnowledgeDoorTests {
    private final class Room: UploadHandler {
        func handle(_ request: LocalRequest, body: LocalBody) async throws -> LocalResponse { .json("{}") }
    }

    private func status(
        _ method: MartletWire.Method, key: Secret? = nil, _ headers: [(String, String)] = []
    ) async -> Int {
        var block = HeaderBlock()
        block.append("Host", "kb.example.com")
        for (name, value) in headers { block.append(name, value) }
        let request = LocalRequest(
            method: method, path: "/knowledge_base/delete_knowledge_base", query: "", headers: block,
            body: ByteBuffer(), clientAddress: "192.0.2.1")
        do {
            return try await KnowledgeDoor(Room(), key: key).handle(request, body: LocalBody(ByteBuffer())).status
        } catch let error as MartletError {
            return error.code.status
        } catch {
            return 0
        }
    }

    @Test("A page of another site changes nothing; programs, and pages of this machine, do")
    func origin() async {
        #expect(await status(.post, [("Origin", "https://evil.example.com")]) == 401)
        #expect(await status(.delete, [("Origin", "null")]) == 401)
        #expect(await status(.post) == 200)
        #expect(await status(.post, [("Origin", "http://localhost:3000")]) == 200)
        #expect(await status(.get, [("Origin", "https://evil.example.com")]) == 200)
    }

    @Test("Where a key is asked for, whoever does not show it gets nothing")
    func key() async {
        #expect(await status(.post, key: Secret("k")) == 401)
        #expect(await status(.post, key: Secret("k"), [("X-API-Key", "other")]) == 401)
        #expect(await status(.post, key: Secret("k"), [("X-API-Key", "k")]) == 200)
        #expect(await status(.post, key: Secret("k"), [("Authorization", "Bearer k")]) == 200)
        #expect(await status(.post, key: Secret("k"), [("Authorization", "Bearer other")]) == 401)
    }
}
