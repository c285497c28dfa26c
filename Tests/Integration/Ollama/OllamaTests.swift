import Foundation
import MartletTools
import NIOCore
import Testing

/// Programs that were written for Ollama, against the real binary.
@Suite(.serialized)
struct OllamaTests {
    private static func chat(_ model: String = "qwen3", isStreamed: Bool = false) -> String {
        #"{"model":"\#(model)","messages":[{"role":"user","content":"hi"}],"options":{"seed":7}"#
            + (isStreamed ? "}" : #","stream":false}"#)
    }

    private static func pools(_ url: String, _ rest: String = "models: {chat: p}\n") -> String {
        "pools:\n  p: {targets: [\(url)], keepalive: {idle: 200ms}, health: \"off\"}\n\(rest)"
    }

    private func lines(_ answer: Answer) throws -> [[String: Any]] {
        try answer.body.split(separator: "\n").map { line in
            try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    private func words(_ line: [String: Any]?) -> String? {
        (line?["message"] as? [String: Any])?["content"] as? String
    }

    @Test func theDefaultModelAnswersUnderTheNamesThatArticlesUse() async throws {
        try await withMartlet(mocks: 1, { Self.pools($0[0].url) }) { martlet, mocks in
            for name in ["qwen3", "qwen3:14B", "chat", "chat:latest"] {
                let answer = try await martlet.post("/api/chat", body: Self.chat(name)).expect(200)
                #expect(answer.json["model"] as? String == name)
                #expect(answer.json["done"] as? Bool == true && answer.json["done_reason"] as? String == "stop")
                #expect(words(answer.json)?.isEmpty == false)
                #expect(answer.json["eval_count"] as? Int == 16 && answer.json["prompt_eval_count"] as? Int == 8)
                let total = try #require(answer.json["total_duration"] as? Int)
                #expect(total > 0 && total < 10_000_000_000)
            }
            #expect(mocks[0].chats == 4)
            let refused = try await martlet.post("/api/chat", body: Self.chat("gpt")).expect(404)
            #expect(refused.json["error"] as? String == "model 'gpt' not found")
            #expect(mocks[0].chats == 4)
        }
    }

    @Test func anAnswerComesLineByLine() async throws {
        try await withMartlet(mocks: 1, { Self.pools($0[0].url) }) { martlet, _ in
            let whole = try await martlet.post("/api/chat", body: Self.chat()).expect(200)
            let answer = try await martlet.post("/api/chat", body: Self.chat(isStreamed: true)).expect(200)
            #expect(answer.header("content-type") == "application/x-ndjson")
            let said = try lines(answer)
            #expect(said.count > 2)
            #expect(said.dropLast().allSatisfy { $0["done"] as? Bool == false })
            #expect(said.last?["done"] as? Bool == true && said.last?["eval_count"] as? Int == 16)
            #expect(said.compactMap { words($0) }.joined() == words(whole.json))
            let prompt = try await martlet.post("/api/generate", body: #"{"model":"qwen3","prompt":"hi"}"#).expect(200)
            #expect(try lines(prompt).compactMap { $0["response"] as? String }.joined() == words(whole.json))
        }
    }

    @Test func theModelIsAskedInItsOwnWordsAndByItsOwnName() async throws {
        let event = #"data: {"choices":[{"delta":{"content":"<think>hm</think>yes"},"finish_reason":"stop"}]}"#
        let stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            + event + "\n\ndata: [DONE]\n\n"
        try await withBackend({ _, _ in .closing(stream) }) { backend in
            let models = "models: {chat: {pool: p, as: Org/Chat}}\nollama: {models: {llama3: chat}}\n"
            try await withMartlet(Self.pools(backend.url, models)) { martlet in
                let answer = try await martlet.post("/api/chat", body: Self.chat("llama3:8b")).expect(200)
                #expect(answer.json["message"] as? [String: String] == [
                    "role": "assistant", "content": "yes", "thinking": "hm",
                ])
                let body = try #require(backend.requests.first?.body)
                let asked = try #require(JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])
                #expect(asked["model"] as? String == "Org/Chat")
                #expect(asked["seed"] as? Int == 7 && asked["stream"] as? Bool == true)
                #expect(backend.requests.first?.line == "POST /v1/chat/completions HTTP/1.1")
            }
        }
    }

    @Test func textsBecomeVectors() async throws {
        try await withMartlet(mocks: 1, { Self.pools($0[0].url) }) { martlet, _ in
            let answer = try await martlet.post("/api/embed", body: #"{"model":"chat","input":["a","b"]}"#).expect(200)
            let rows = try #require(answer.json["embeddings"] as? [[Double]])
            #expect(rows.count == 2 && rows.allSatisfy { !$0.isEmpty })
            let old = try await martlet.post("/api/embeddings", body: #"{"model":"chat","prompt":"a"}"#).expect(200)
            #expect((old.json["embedding"] as? [Double])?.isEmpty == false)
        }
    }

    @Test func listsNameEveryModel() async throws {
        try await withMartlet(mocks: 1, { Self.pools($0[0].url) }) { martlet, _ in
            for path in ["/api/tags", "/api/ps"] {
                let models = try await martlet.get(path).expect(200).json["models"] as? [[String: Any]]
                #expect(models?.first?["name"] as? String == "chat")
                #expect((models?.first?["digest"] as? String)?.count == 64)
            }
            #expect(try await martlet.get("/api/version").expect(200).json["version"] is String)
            let shown = try await martlet.post("/api/show", body: #"{"model":"qwen3"}"#).expect(200)
            #expect((shown.json["capabilities"] as? [String])?.contains("completion") == true)
            try await martlet.post("/api/show", body: #"{"model":"gpt"}"#).expect(404)
        }
    }

    @Test func whatIsWrongIsSaidAsOllamaSaysIt() async throws {
        try await withMartlet(mocks: 1, { Self.pools($0[0].url) }) { martlet, _ in
            for (body, status) in [("", 400), ("{", 400), ("{}", 400), (#"{"model":"chat","messages":1}"#, 400)] {
                let answer = try await martlet.post("/api/chat", body: body).expect(status)
                #expect(answer.json["error"] is String, "\(answer.body)")
            }
            let wrong = try await martlet.get("/api/chat").expect(405)
            #expect(wrong.header("allow") == "POST" && wrong.json["error"] is String)
            let many = #"{"model":"chat","messages":[\#(String(repeating: "1,", count: 300_000))1]}"#
            try await martlet.post("/api/chat", body: many).expect(413)
        }
    }

    @Test func whatTheModelRefusesKeepsItsStatusAndItsWords() async throws {
        let error = #"{"error":{"message":"no such way"}}"#
        let reply = "HTTP/1.1 422 X\r\nContent-Type: application/json\r\nContent-Length: \(error.utf8.count)\r\n\r\n"
        try await withBackend({ _, _ in .bytes(reply + error) }) { backend in
            try await withMartlet(Self.pools(backend.url)) { martlet in
                for isStreamed in [true, false] {
                    let body = Self.chat(isStreamed: isStreamed)
                    let answer = try await martlet.post("/api/chat", body: body).expect(422)
                    #expect(answer.json["error"] as? String == "no such way")
                }
            }
        }
    }

    @Test func anAnswerThatBreaksOffEndsWithALineThatSaysSo() async throws {
        let event = #"data: {"choices":[{"delta":{"content":"yes"}}]}"# + "\n\n"
        let broken = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "\(String(event.utf8.count, radix: 16))\r\n\(event)\r\n"
        try await withBackend({ _, _ in .closing(broken) }) { backend in
            try await withMartlet(Self.pools(backend.url)) { martlet in
                let answer = try await martlet.post("/api/chat", body: Self.chat(isStreamed: true)).expect(200)
                #expect(try lines(answer).last?["error"] is String, "\(answer.body)")
                let whole = try await martlet.post("/api/chat", body: Self.chat())
                #expect(whole.status >= 500 && whole.json["error"] is String)
            }
        }
    }

    @Test(arguments: [true, false]) func whoLeavesCallsTheModelOff(isStreamed: Bool) async throws {
        let backend = try await RawBackend.start()
        try await withMartlet(Self.pools("http://127.0.0.1:\(backend.port)")) { martlet in
            let client = try await Peer.connect(martlet.publicPort)
            let body = Self.chat(isStreamed: isStreamed)
            try await client.send(
                "POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            let upstream = try await backend.next()
            _ = try await upstream.receive(.text("}"))
            try await upstream.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "a\r\ndata: {}\n\n\r\n")
            let left = try await client.leave(.reset)
            let heard = try await upstream.receive(.end)
            #expect(try #require(heard.endedAt) - left < .seconds(1))
        }
        await backend.stop()
    }

    @Test func pathsOfOthersAreLeftToThem() async throws {
        let rest = "models: {chat: p}\nroutes: [{path: /v1/}, {path: /, pool: p}]\n"
        try await withBackend({ _, _ in .ok("own") }) { backend in
            for routes in [rest, ""] {
                try await withMartlet(Self.pools(backend.url, routes)) { martlet in
                    let version = try await martlet.get("/api/version").expect(200)
                    #expect(version.body == "own")
                }
            }
            try await withMartlet(Self.pools(backend.url, rest + "ollama: on\n")) { martlet in
                let version = try await martlet.get("/api/version").expect(200)
                #expect(version.json["version"] is String)
                let other = try await martlet.get("/api/other").expect(200)
                #expect(other.body == "own")
            }
        }
        try await withMartlet(mocks: 1, { Self.pools($0[0].url, "models: {chat: p}\nollama: off\n") }) { martlet, _ in
            try await martlet.get("/api/version").expect(404)
        }
    }
}
