import MartletKnowledge
import MartletWire

/// Questions to bases as a chain, for LangServe's clients: `{"question": …, "bases": […]}`, or `base` for one, in; the
/// answer with its sources and citations out, or, where it is streamed, the pieces of its text.
///
/// What else an input may say is what `POST /knowledge/{base}/ask` reads.
struct KnowledgeChain: Runnable {
    static let path = "/knowledge-chain"
    /// Of a request: all questions of a batch are asked at one time.
    static let bodyBytes = 1 << 20

    let name = "knowledge"
    private let desk: any KnowledgeDesk

    init(_ desk: any KnowledgeDesk) { self.desk = desk }

    var inputSchema: JSON {
        [
            "title": .string(name + "_input"), "type": "object", "required": ["question"],
            "properties": [
                "question": Schema.of(String.self), "base": Schema.of(String?.self), "bases": Schema.of([String]?.self),
                "history": Schema.of([JSON]?.self), "session": Schema.of(String?.self),
                "model": Schema.of(String?.self), "limit": Schema.of(Int?.self),
                "minimum_score": Schema.of(Double?.self), "filter": Schema.of(JSON?.self),
                "temperature": Schema.of(Double?.self), "max_tokens": Schema.of(Int?.self),
                "fresh": Schema.of(Bool?.self),
            ],
        ]
    }

    var outputSchema: JSON {
        [
            "title": .string(name + "_output"), "type": "object",
            "properties": [
                "answer": Schema.of(String.self), "reasoning": Schema.of(String.self),
                "sources": Schema.of([JSON].self), "citations": Schema.of([JSON].self), "end": ["type": "object"],
            ],
        ]
    }

    func answer(_ input: Fields, _ run: Run) async throws -> JSON {
        try await telling(input) { question in
            JSON(try await WholeReply(try await BegunReply(question, of: desk)))
        }
    }

    func answer(_ source: @escaping Source<Fields>, _ run: Run, into sink: @escaping Sink<JSON>) async throws {
        guard let input = try await gathered(source) else { return }
        try await telling(input) { question in
            try await BegunReply(question, of: desk).follow { event in
                if case .text(let piece) = event { try await sink(.string(piece)) }
            }
        }
    }

    /// - Throws: `HTTPError`: what the client did wrong, or is to try later.
    private func telling<Value>(
        _ input: Fields, _ body: (Question) async throws -> Value
    ) async throws -> Value {
        do {
            return try await body(try Self.question(input))
        } catch let flaw as FieldFlaw {
            throw HTTPError.wrong(flaw.kind.rawValue, [.string(flaw.field)], flaw.message, .object(input))
        } catch let error as KnowledgeError {
            var told = HTTPError(error.status, .string(error.message))
            told.headers = error.headers
            throw told
        }
    }

    private static func question(_ input: Fields) throws(FieldFlaw) -> Question {
        let fields = RequestFields(input)
        let first = try fields.texts("bases")?.first
        guard let base = try fields.text("base") ?? first else {
            throw FieldFlaw(field: "bases", kind: .missing, message: "`bases` or `base` says where to look.")
        }
        return try AskedOfKnowledge(fields, text: "question", base: base).question(fields)
    }
}
