import Foundation
import MartletKnowledge
import MartletLogic
import MartletTelemetry
import MartletWire

/// The pieces of an answer, as Chatchat writes them.
struct ChatchatChunks: Sendable {
    /// Said where nothing was found.
    static let nothingFound = "<span style='color:red'>未找到相关文档,该回答为大模型自身能力解答！</span>"

    let form: ChatchatSettings.Form
    let model: String?
    private let id = newID()
    private let created = WallTime.now().milliseconds / 1000

    init(_ form: ChatchatSettings.Form, model: String?) {
        (self.form, self.model) = (form, model)
    }

    private static func newID() -> String { "chat\(UUID().text)" }

    /// The first one: all sources, and no text.
    func sources(_ sources: [String]) -> JSON {
        var chunk = chunk(["content": ""])
        chunk["docs"] = .array(sources.map { .string($0) })
        return chunk
    }

    func text(_ text: String) -> JSON { chunk(["content": .string(text)]) }

    /// nil: clients of Chatchat's own forms are told no thoughts.
    func reasoning(_ text: String) -> JSON? {
        form == .chatchat ? nil : chunk(["content": "", "reasoning_content": .string(text)])
    }

    /// nil: Chatchat's streams merely end.
    func end(_ end: AnswerEnd, _ citations: [CheckedSentence]) -> JSON? {
        guard form == .fixed else { return nil }
        var chunk = chunk([:], finish: end.finishReason)
        chunk["martlet"] = Self.details(end, citations)
        if case .object = JSON.usage(end) { chunk["usage"] = JSON.usage(end) }
        return chunk
    }

    /// An answer that does not stream, or sources alone.
    func whole(_ text: String, sources: [String]?, finish: String? = nil, reasoning: String = "") -> JSON {
        var message: Fields = ["role": "assistant", "content": .string(text), "tool_calls": []]
        if form == .chatchat { message["finish_reason"] = finish.map { .string($0) } ?? .null }
        if form == .fixed, !reasoning.isEmpty { message["reasoning_content"] = .string(reasoning) }
        var choice: Fields = ["message": .object(message)]
        if form == .fixed { choice.merge(["index": 0, "finish_reason": .string(finish ?? "stop")]) { $1 } }
        var whole = envelope("chat.completion")
        whole["choices"] = [.object(choice)]
        if let sources { whole["docs"] = .array(sources.map { .string($0) }) }
        return whole
    }

    static func details(_ end: AnswerEnd, _ citations: [CheckedSentence]) -> JSON {
        var details: JSON = ["kind": .string(end.kind.rawValue), "citations": .array(citations.map { JSON($0) })]
        if let trouble = end.trouble { details["trouble"] = .string(trouble.rawValue) }
        return details
    }

    private func chunk(_ delta: Fields, finish: String? = nil) -> JSON {
        var (delta, choice) = (delta, Fields())
        switch form {
        case .chatchat:
            delta["tool_calls"] = []
            choice["role"] = "assistant"
        case .fixed:
            delta["role"] = "assistant"
            choice["index"] = 0
            choice["finish_reason"] = finish.map { .string($0) } ?? .null
        }
        choice["delta"] = .object(delta)
        var chunk = envelope("chat.completion.chunk")
        chunk["choices"] = [.object(choice)]
        return chunk
    }

    private func envelope(_ object: String) -> JSON {
        [
            // Chatchat's chunks have an id each.
            "id": .string(form == .chatchat ? Self.newID() : id), "object": .string(object),
            "model": model.map { .string($0) } ?? .null, "created": .integer(created), "status": .null,
            "message_type": 1, "message_id": .null, "is_ref": false,
        ]
    }
}
