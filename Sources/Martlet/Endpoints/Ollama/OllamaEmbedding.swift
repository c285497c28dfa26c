import MartletBase
import MartletWire
import NIOCore

/// A request to `/api/embed`, or to the older `/api/embeddings`, which takes one text.
struct OllamaEmbedding: Sendable {
    static let path = "/v1/embeddings"

    /// As its client calls it.
    let model: String
    private let inputs: [JSON]
    private let dimensions: JSON?
    private let isOld: Bool

    init(embed body: JSON) throws(OllamaRefusal) {
        model = try OllamaQuestion.model(of: body)
        dimensions = body["dimensions"].flatMap { $0 == .null ? nil : $0 }
        isOld = false
        switch body["input"] {
        case nil, .null?, .string("")?: inputs = []
        case .string(let text)?: inputs = [.string(text)]
        case .array(let texts)?: inputs = texts
        default: throw OllamaRefusal(400, "input must be a text or a list of texts")
        }
    }

    init(embeddings body: JSON) throws(OllamaRefusal) {
        model = try OllamaQuestion.model(of: body)
        dimensions = nil
        isOld = true
        if case .string(let text)? = body["prompt"], !text.isEmpty { inputs = [.string(text)] } else { inputs = [] }
    }

    var isEmpty: Bool { inputs.isEmpty }

    /// What is asked of the model API, without the name of the model.
    var members: Fields {
        var members: Fields = ["input": .array(inputs), "encoding_format": "float"]
        members["dimensions"] = dimensions
        return members
    }

    /// The answer in Ollama's form.
    func told(_ list: EmbeddingList, took: Duration) throws(OllamaRefusal) -> String {
        let rows = list.data.sorted { ($0.index ?? 0) < ($1.index ?? 0) }.map(\.embedding)
        guard rows.count == inputs.count else { throw OllamaRefusal(502, "the answer is no list of vectors") }
        if isOld { return #"{"embedding":\#(Self.text(rows.first ?? []))}"# }
        var text = #"{"model":\#(JSONText.quoted(model)),"embeddings":["#
        text += rows.map(Self.text).joined(separator: ",")
        text += #"],"total_duration":\#(took.wholeNanoseconds)"#
        if let count = list.usage?.prompt_tokens { text += #","prompt_eval_count":\#(count)"# }
        return text + "}"
    }

    private static func text(_ vector: [Double]) -> String {
        "[" + vector.map { $0.isFinite ? "\($0)" : "0" }.joined(separator: ",") + "]"
    }
}

/// What the model API answers, as far as it is read.
struct EmbeddingList: Decodable {
    struct Row: Decodable {
        var index: Int?
        var embedding: [Double]
    }

    struct Usage: Decodable {
        var prompt_tokens: Int?
    }

    var data: [Row]
    var usage: Usage?
}
