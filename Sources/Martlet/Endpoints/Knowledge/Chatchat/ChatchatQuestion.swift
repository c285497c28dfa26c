import MartletBase
import MartletKnowledge
import MartletLogic
import MartletWire

/// What a client of Chatchat's asks of a base.
struct ChatchatQuestion: Sendable {
    enum Mode: String {
        case local = "local_kb"
        case temporary = "temp_kb"
        case engine = "search_engine"
    }

    /// Of a conversation that a client sends along.
    private static let mostTurns = 200

    var mode: Mode
    /// A base, the id of a temporary one, or a search engine.
    var name: String
    var query: String
    var limit: Int
    var minimumCosine: Double?
    var history: [Question.Turn]
    var streams: Bool
    var model: String?
    var temperature: Double?
    var maximumTokens: Int?
    /// Sources alone, and no answer.
    var wantsSources: Bool
    /// It came by a path of OpenAI's.
    var isCompletion = false

    /// The body of `/chat/kb_chat`.
    init(_ fields: RequestFields) throws(FieldFlaw) {
        try self.init(
            fields, mode: try fields.text("mode") ?? Mode.local.rawValue, name: try fields.text("kb_name") ?? "",
            query: try fields.required("query"), history: try fields.list("history") ?? [],
            streams: try fields.flag("stream") ?? true)
    }

    /// The body of `/knowledge_base/{mode}/{name}/chat/completions`: the last message asks.
    init(completion fields: RequestFields, mode: String, base: String) throws(FieldFlaw) {
        guard let messages = try fields.list("messages"), let last = messages.last else {
            throw FieldFlaw(field: "messages", kind: .missing, message: "`messages` is missing.")
        }
        guard let query = ChatText.of(last) else {
            throw FieldFlaw(field: "messages", kind: .text, message: "The last message has no text.")
        }
        try self.init(
            fields, mode: mode, name: base, query: query, history: messages.dropLast(),
            streams: try fields.flag("stream") ?? false)
        isCompletion = true
    }

    private init(
        _ fields: RequestFields, mode: String, name: String, query: String, history: [JSON], streams: Bool
    ) throws(FieldFlaw) {
        guard let mode = Mode(rawValue: mode) else {
            throw FieldFlaw(
                field: "mode", kind: .range, message: "`mode` is none of local_kb, temp_kb and search_engine.")
        }
        (self.mode, self.name, self.streams) = (mode, name, streams)
        self.query = try FieldFlaw.question(query, "query")
        limit = try fields.count("top_k", in: 1...1000) ?? 3
        minimumCosine = try fields.minimumCosine
        self.history = history.suffix(Self.mostTurns).compactMap(ChatText.turn)
        model = try fields.text("model").flatMap { $0.isEmpty ? nil : $0 }
        temperature = try fields.number("temperature", in: 0...2)
        let most = try fields.count("max_tokens", in: Int(Int32.min)...Int(Int32.max)) ?? 0
        maximumTokens = most > 0 ? most : nil
        wantsSources = try fields.flag("return_direct") ?? false
    }

    func question(of base: String) -> Question {
        var question = Question(query, bases: [base])
        (question.history, question.model) = (history, model)
        (question.limit, question.minimumCosine) = (limit, minimumCosine)
        (question.temperature, question.maximumTokens) = (temperature, maximumTokens)
        return question
    }
}

extension RequestFields {
    /// `score_threshold` is a distance: smaller is closer.
    var minimumCosine: Double? {
        get throws(FieldFlaw) {
            try number("score_threshold", in: 0...ChatchatScore.all).flatMap(ChatchatScore.minimumCosine)
        }
    }
}

extension FieldFlaw {
    /// A question that is short enough, as FastAPI would refuse it.
    static func question(_ text: String, _ field: String) throws(FieldFlaw) -> String {
        guard text.utf8.count <= Question.longest else {
            throw FieldFlaw(field: field, kind: .range, message: "`\(field)` has more than \(Question.longest) bytes.")
        }
        return text
    }
}

/// The text of messages, as clients write them.
enum ChatText {
    /// `{"role": …, "content": …}`, LangChain's `{"type": …, "content": …}`, or `["human", "…"]`. nil: it says nothing,
    /// or is a tool's.
    static func turn(_ message: JSON) -> Question.Turn? {
        var (role, text) = ((message["role"] ?? message["type"])?.words ?? "user", of(message))
        if case .array(let pair) = message, pair.count >= 2 { (role, text) = (pair[0].words, pair[1].words) }
        guard let text else { return nil }
        switch role {
        case "assistant", "ai": return Question.Turn(.assistant, text)
        case "system", "developer": return Question.Turn(.system, text)
        case "user", "human": return Question.Turn(.user, text)
        default: return nil
        }
    }

    /// What a message says; of parts, their texts. nil: none.
    static func of(_ message: JSON) -> String? {
        switch message["content"] {
        case .string(let text)?: return text
        case .array(let parts)?:
            let texts = parts.compactMap { part -> String? in
                if case .string(let text)? = part["text"] { text } else { nil }
            }
            return texts.isEmpty ? nil : texts.joined(separator: "\n")
        default: return nil
        }
    }
}
