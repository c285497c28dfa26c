import MartletTools
import Testing

/// Two instances of Langchain-Chatchat, as far as a gateway sees them, and a route that gives their replies again.
@Suite(.serialized)
struct ReplyCacheTests {
    private static let stream =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "f\r\ndata: {\"a\":1}\n\n\r\nf\r\ndata: {\"a\":2}\n\n\r\n0\r\n\r\n"
    private static let events = "data: {\"a\":1}\n\ndata: {\"a\":2}\n\n"

    private func run(
        _ chat: @escaping @Sendable (Int) -> ScriptedBackend.Reply = { _ in .bytes(Self.stream) },
        _ body: (MartletProcess, _ asked: () -> Int) async throws -> Void
    ) async throws {
        let reply: @Sendable (ScriptedBackend.Request, Int) -> ScriptedBackend.Reply = { request, number in
            request.line.contains("/chat/kb_chat") ? chat(number) : .ok(#"{"code":200}"#)
        }
        let (one, other) = (try await ScriptedBackend.start(reply), try await ScriptedBackend.start(reply))
        let configuration = """
            pools:
              p: {targets: ["\(one.url)", "\(other.url)"], keepalive: {idle: 200ms}, health: "off"}
            routes:
              - {path: /, pool: p, cache: {chatchat: on, ttl: 10m}}

            """
        try await withMartlet(configuration) { martlet in
            try await body(martlet) { (one.requests + other.requests).count { $0.line.contains("/chat/kb_chat") } }
        }
        await one.stop()
        await other.stop()
    }

    private func ask(
        _ martlet: MartletProcess, _ query: String = "q", base: String = "a", key: String = "k", rest: String = ""
    ) async throws -> Answer {
        try await martlet.post(
            "/chat/kb_chat", headers: ["Content-Type: application/json", "Authorization: Bearer \(key)"],
            body: #"{"query":"\#(query)","kb_name":"\#(base)"\#(rest)}"#)
    }

    @Test("A reply is given again, event by event, for the same body and key of the client, whichever instance made it")
    func again() async throws {
        try await run { martlet, asked in
            for _ in 0..<4 {
                let answer = try await ask(martlet).expect(200)
                #expect(answer.body == Self.events)
                #expect(answer.header("content-type") == "text/event-stream; charset=utf-8")
            }
            #expect(asked() == 1)
            _ = try await ask(martlet, key: "other").expect(200)
            _ = try await ask(martlet, "another").expect(200)
            _ = try await ask(martlet, rest: #","top_k":5"#).expect(200)
            #expect(asked() == 4)
            let history = #","history":[{"role":"user","content":"x"}]"#
            for _ in 0..<2 { _ = try await ask(martlet, rest: history).expect(200) }
            #expect(asked() == 6)
        }
    }

    @Test("Many who ask the same at once cost one question")
    func together() async throws {
        try await run { martlet, asked in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { try await ask(martlet).expect(200).body } }
                for try await body in group { #expect(body == Self.events) }
            }
            #expect(asked() == 1)
        }
    }

    @Test("A write to a base that passes through takes its replies, and a form those of every base")
    func writes() async throws {
        try await run { martlet, asked in
            for base in ["a", "b"] { _ = try await ask(martlet, base: base).expect(200) }
            let deletion = #"{"knowledge_base_name":"a","file_names":["x.md"]}"#
            _ = try await martlet.post(
                "/knowledge_base/delete_docs", headers: ["Content-Type: application/json"], body: deletion
            ).expect(200)
            for base in ["a", "b"] { _ = try await ask(martlet, base: base).expect(200) }
            #expect(asked() == 3)
            _ = try await martlet.post(
                "/knowledge_base/upload_docs", headers: ["Content-Type: multipart/form-data; boundary=x"],
                body: "--x\r\nContent-Disposition: form-data; name=\"knowledge_base_name\"\r\n\r\nb\r\n--x--\r\n"
            ).expect(200)
            for base in ["a", "b"] { _ = try await ask(martlet, base: base).expect(200) }
            #expect(asked() == 5)
        }
    }

    @Test("What failed, what broke off and what Chatchat calls an error is not given again")
    func failures() async throws {
        let replies: [ScriptedBackend.Reply] = [
            .bytes("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
            .bytes(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"code\":404}"),
            .closing(String(Self.stream.dropLast(5))),
        ]
        for reply in replies {
            try await run({ _ in reply }) { martlet, asked in
                for _ in 0..<2 { _ = try? await ask(martlet) }
                #expect(asked() >= 2)
            }
        }
    }
}
