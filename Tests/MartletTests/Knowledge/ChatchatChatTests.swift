import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire
import NIOCore
import Synchronization
import Testing

@testable import Martlet

@Suite("Answers in Chatchat's form, and in the fixed one")
struct ChatchatChatTests {
    private static let script: [AnswerEvent] = [
        .reasoning("想"), .text("十五"), .text("天"), .citations([CheckedSentence(range: 0..<3)]),
    ]

    private static func call(
        _ form: ChatchatSettings.Form, desk: FakeDesk = FakeDesk(script: script)
    ) async throws -> Calling {
        var settings = ChatchatSettings()
        settings.form = form
        let spool = try UploadSpool.temporary()
        try await desk.create(BaseSettings(name: "hr"))
        let uploaded = try await spool.texts([("员工 手册.md", "年假")])
        _ = try await desk.add(
            IncomingFile(name: "员工 手册.md", path: uploaded.files[0].path), to: "hr", IngestOptions())
        withExtendedLifetime(uploaded.folder) {}
        return Calling(
            handler: ChatchatEndpoint(desk, spool: spool, settings: settings, temporary: TemporaryBases(desk)))
    }

    private static let source =
        "出处 [1] [员工 手册.md](http://kb.example:7861/knowledge_base/download_doc?knowledge_base_name=hr"
        + "&file_name=%E5%91%98%E5%B7%A5+%E6%89%8B%E5%86%8C.md) \n\n年假\n\n"

    private static func first(_ json: JSON?) -> JSON? {
        guard case .array(let choices)? = json?["choices"] else { return nil }
        return choices.first
    }

    @Test("A stream in Chatchat's form: sources first, a new id for each token, then nothing more")
    func exactStream() async throws {
        let call = try await Self.call(.chatchat)
        let answer = try await call(.post, "/chat/kb_chat", #"{"query": "年假", "kb_name": "hr", "model": "glm4"}"#)
        let chunks = answer.events.map { try? JSON.parse($0.data.utf8) }
        #expect(chunks.count == 3)
        #expect(chunks[0]?["docs"] == [.string(Self.source)])
        #expect(chunks.map { Self.first($0)?["delta"]?["content"] } == ["", "十五", "天"])
        #expect(chunks.allSatisfy { Self.first($0)?["role"] == "assistant" })
        #expect(Set(chunks.map { $0?["id"]?.words }).count == 3)
        for (key, value): (String, JSON) in [
            ("status", .null), ("message_type", 1), ("message_id", .null), ("is_ref", false), ("model", "glm4"),
            ("object", "chat.completion.chunk"),
        ] {
            #expect(chunks[1]?[key] == value, "\(key)")
        }
        #expect(!answer.body.contains("[DONE]"))
    }

    @Test("A stream in the fixed form has the role in its place, thoughts apart, a reason, and an end")
    func fixedStream() async throws {
        let call = try await Self.call(.fixed)
        let events = try await call(.post, "/chat/kb_chat", #"{"query": "年假", "kb_name": "hr"}"#).events
        #expect(events.last?.data == "[DONE]")
        let chunks = events.dropLast().map { try? JSON.parse($0.data.utf8) }
        #expect(chunks.count == 5)
        #expect(Set(chunks.map { $0?["id"]?.words }).count == 1)
        #expect(Self.first(chunks[1])?["delta"]?["reasoning_content"] == "想")
        #expect(Self.first(chunks[2])?["delta"] == ["role": "assistant", "content": "十五"])
        #expect(Self.first(chunks[4])?["finish_reason"] == "stop")
        #expect(chunks[4]?["usage"]?["total_tokens"] == 10)
        #expect(chunks[4]?["martlet"]?["kind"] == "answered")
    }

    @Test("Without a stream: JSON in JSON and no sources, or an object with them")
    func whole() async throws {
        let asked = #"{"query": "年假", "kb_name": "hr", "stream": false}"#
        let exact = try await Self.call(.chatchat)(.post, "/chat/kb_chat", asked)
        guard case .string(let inner)? = exact.json else { return #expect(Bool(false), "\(exact.body)") }
        let answer = try JSON.parse(inner.utf8)
        #expect(Self.first(answer)?["message"]?["content"] == "十五天")
        #expect(answer["docs"] == nil)
        let fixed = try await Self.call(.fixed)(.post, "/chat/kb_chat", asked).json
        #expect(Self.first(fixed)?["message"]?["content"] == "十五天")
        #expect(Self.first(fixed)?["finish_reason"] == "stop")
        #expect(fixed?["docs"] == [.string(Self.source)])
    }

    @Test("OpenAI's clients ask by the last message; what came before is history")
    func completions() async throws {
        let desk = FakeDesk(script: Self.script)
        let call = try await Self.call(.fixed, desk: desk)
        let body = """
            {"model": "qwen", "top_k": 2, "score_threshold": 1, "temperature": 0.1, "messages": [
            {"role": "user", "content": "你好"}, {"role": "assistant", "content": "好"},
            {"role": "user", "content": "年假"}]}
            """
        let answer = try await call(.post, "/knowledge_base/local_kb/hr/chat/completions", body).json
        #expect(answer?["object"] == "chat.completion")
        let question = desk.state.withLock { $0.questions[0] }
        #expect(question.text == "年假")
        #expect(question.history == [Question.Turn(.user, "你好"), Question.Turn(.assistant, "好")])
        #expect(question.model == "qwen")
        #expect(question.limit == 2 && question.minimumCosine == 0.5)
        #expect(try await call(.post, "/knowledge_base/local_kb/no/chat/completions", body).status == 404)
        #expect(try await call(.post, "/knowledge_base/odd/hr/chat/completions", body).status == 422)
    }

    @Test("Sources alone, where nothing else is asked for")
    func direct() async throws {
        let desk = FakeDesk()
        let asked = #"{"query": "年假", "kb_name": "hr", "return_direct": true}"#
        let events = try await Self.call(.chatchat, desk: desk)(.post, "/chat/kb_chat", asked).events
        #expect(events.count == 1)
        let answer = try JSON.parse(events[0].data.utf8)
        #expect(answer["docs"] == [.string(Self.source)])
        #expect(answer["model"] == .null)
        #expect(Self.first(answer)?["message"]?["finish_reason"] == "stop")
        #expect(desk.state.withLock { $0.questions.isEmpty })
    }

    @Test("What goes wrong is told: before the answer by its code, within it by an event")
    func failures() async throws {
        let none = try await Self.call(.chatchat)(.post, "/chat/kb_chat", #"{"query": "x", "kb_name": "no"}"#)
        #expect(none.json == ["code": 404, "msg": "未找到知识库 no", "data": .null])
        let failing = FakeDesk(script: [.text("十")], failure: KnowledgeError(.unavailable, "The model is gone."))
        let events = try await Self.call(.chatchat, desk: failing)(
            .post, "/chat/kb_chat", #"{"query": "年假", "kb_name": "hr"}"#).events
        #expect(events.last?.data == #"{"error":"The model is gone."}"#)
    }

    @Test("A client that leaves ends the answer, whether it streams or not")
    func leaving() async throws {
        for stream in [true, false] {
            let desk = FakeDesk(script: [.text("十")], isEndless: true)
            let call = try await Self.call(.fixed, desk: desk)
            let asked = Task {
                try await call(.post, "/chat/kb_chat", #"{"query": "年假", "kb_name": "hr", "stream": \#(stream)}"#)
            }
            while desk.state.withLock({ $0.questions.isEmpty }) { await Task.yield() }
            asked.cancel()
            await desk.awaitCancellation()
            await #expect(throws: CancellationError.self) { try await asked.value }
        }
    }

    @Test("An answer that nobody reads is called off")
    func unread() async throws {
        let desk = FakeDesk(script: [.text("十")], isEndless: true)
        let call = try await Self.call(.fixed, desk: desk)
        do {
            let request = Calling.request(.post, "/chat/kb_chat", #"{"query": "年假", "kb_name": "hr"}"#)
            let response = try await call.handler.handle(request)
            #expect(response.stream != nil)
        }
        await desk.awaitCancellation()
        #expect(desk.state.withLock { $0.cancelled } == 1)
    }
}
