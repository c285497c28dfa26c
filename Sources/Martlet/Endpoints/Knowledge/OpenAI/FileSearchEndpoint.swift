import Foundation
import MartletBase
import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletTelemetry
import MartletWire

/// Chat completions with the tool `file_search`: the answer is from vector stores, with what it cites as annotations.
/// The gateway sends those here whose body names the tool.
final class FileSearchEndpoint: UploadHandler {
    private static let toolName = "file_search"

    private let desk: any KnowledgeDesk
    private let shelf: Shelf

    init(_ desk: any KnowledgeDesk, _ shelf: Shelf) {
        (self.desk, self.shelf) = (desk, shelf)
    }

    private static func tool(_ tools: JSON?) -> Fields? {
        guard case .array(let list)? = tools else { return nil }
        for case .object(let tool) in list where tool["type"] == .string(toolName) { return tool }
        return nil
    }

    func handle(_ request: LocalRequest, body: LocalBody) async throws -> LocalResponse {
        try await answering(.openAI) {
            try request.must(be: .post)
            let fields = try await RequestFields(body)
            let question = try Self.question(fields)
            for store in question.bases { try await shelf.use(store) }
            let begun = try await BegunReply(question, of: desk)
            let answer = FileSearchAnswer(model: question.model ?? "", await files(begun.sources))
            guard try fields.flag("stream") ?? false else {
                return .json(answer.whole(try await WholeReply(begun)).text)
            }
            return EventStream.response { writer in
                do {
                    var citations: [CheckedSentence] = []
                    try await begun.follow { event in
                        if case .citations(let sentences) = event { citations = sentences }
                        guard let chunk = answer.chunk(event, citations) else { return }
                        try await writer.write(EventStream.event(chunk.text))
                    }
                    try await writer.write(EventStream.event("[DONE]"))
                } catch {
                    guard let known = KnowledgeError(of: error) else { throw error }
                    try await writer.write(EventStream.event(known.body(.openAI)))
                }
            }
        }
    }

    private static func question(_ fields: RequestFields) throws(FieldFlaw) -> Question {
        guard let members = tool(fields["tools"]) else {
            throw FieldFlaw(field: "tools", kind: .missing, message: "`tools` has no `file_search`.")
        }
        let tool = RequestFields(members)
        // Some clients write what a tool is told into an object of its name.
        let told = RequestFields(try tool.object(toolName) ?? [:])
        let (stated, inner) = (try tool.texts("vector_store_ids"), try told.texts("vector_store_ids"))
        guard let stores = stated ?? inner, (1...32).contains(stores.count) else {
            throw FieldFlaw(field: "tools", kind: .missing, message: "`file_search` names no 1 to 32 vector stores.")
        }
        guard let messages = try fields.list("messages"), let last = messages.last, let text = ChatText.of(last) else {
            throw FieldFlaw(field: "messages", kind: .missing, message: "The last message has no text.")
        }
        var question = Question(text, bases: stores)
        question.history = messages.dropLast().suffix(200).compactMap(ChatText.turn)
        question.model = try fields.text("model")
        question.limit = try tool.count("max_num_results", in: 1...50) ?? 5
        let ranking = RequestFields(try tool.object("ranking_options") ?? [:])
        question.minimumScore = try ranking.number("score_threshold", in: 0...1) ?? 0
        question.filter = try tool["filters"].map { value throws(FieldFlaw) in try FilterReader.openAI(value) }
        question.temperature = try fields.number("temperature", in: 0...2)
        let former = try fields.count("max_tokens", in: 1...Int(Int32.max))
        question.maximumTokens = try fields.count("max_completion_tokens", in: 1...Int(Int32.max)) ?? former
        return question
    }

    private func files(_ passages: [Passage]) async -> [FileSearchAnswer.Source] {
        var sources: [FileSearchAnswer.Source] = []
        for passage in passages {
            let file = await shelf.file(of: passage.document)
            sources.append(FileSearchAnswer.Source(file: file.id, name: file.name, passage: passage))
        }
        return sources
    }
}

/// An answer from vector stores, as a chat completion.
struct FileSearchAnswer: Sendable {
    struct Source: Sendable {
        var file: String
        var name: String
        var passage: Passage
    }

    private let model: String
    private let sources: [Source]
    private let id = "chatcmpl-" + UUID().text.filter { $0 != "-" }
    private let created = WallTime.now().milliseconds / 1000

    init(model: String, _ sources: [Source]) {
        (self.model, self.sources) = (model, sources)
    }

    func whole(_ reply: WholeReply) -> JSON {
        var message: JSON = [
            "role": "assistant", "content": .string(reply.text), "refusal": .null,
            "annotations": annotations(reply.citations),
        ]
        if !reply.reasoning.isEmpty { message["reasoning_content"] = .string(reply.reasoning) }
        let choice: JSON = [
            "index": 0, "message": message, "logprobs": .null, "finish_reason": .string(reply.end.finishReason),
        ]
        return envelope("chat.completion", choice, reply.end)
    }

    /// nil: nothing is told of the event.
    func chunk(_ event: AnswerEvent, _ citations: [CheckedSentence]) -> JSON? {
        switch event {
        case .sources, .citations: return nil
        case .reasoning(let text): return delta(["role": "assistant", "reasoning_content": .string(text)])
        case .text(let text): return delta(["role": "assistant", "content": .string(text)])
        case .end(let end):
            let choice: JSON = [
                "index": 0, "delta": ["annotations": annotations(citations)],
                "finish_reason": .string(end.finishReason),
            ]
            return envelope("chat.completion.chunk", choice, end)
        }
    }

    private func delta(_ delta: JSON) -> JSON {
        envelope("chat.completion.chunk", ["index": 0, "delta": delta, "finish_reason": .null], nil)
    }

    private func envelope(_ object: String, _ choice: JSON, _ end: AnswerEnd?) -> JSON {
        var answer: JSON = [
            "id": .string(id), "object": .string(object), "created": .integer(created), "model": .string(model),
            "choices": .array([choice]),
        ]
        if let end, case .object = JSON.usage(end) { answer["usage"] = JSON.usage(end) }
        return answer
    }

    /// Where the answer cites which file: at the end of the sentence.
    private func annotations(_ sentences: [CheckedSentence]) -> JSON {
        var annotations: [JSON] = []
        for sentence in sentences {
            for citation in sentence.citations where sources.indices.contains(citation.source - 1) {
                let source = sources[citation.source - 1]
                annotations.append([
                    "type": "file_citation", "index": .integer(Int64(sentence.range.upperBound)),
                    "file_id": .string(source.file), "filename": .string(source.name),
                ])
            }
        }
        return .array(annotations)
    }
}
