import MartletKnowledge
import MartletLogic
import MartletWire

// What Martlet's own paths say of knowledge.

extension JSONValue {
    init(_ value: MetadataValue) {
        switch value {
        case .text(let text): self = .string(text)
        case .flag(let flag): self = .bool(flag)
        // Whole numbers are written without a point, as they came.
        case .number(let number): self = Int64(exactly: number).map { .integer($0) } ?? .number(number)
        }
    }

    init(_ metadata: [String: MetadataValue]) {
        self = .object(metadata.mapValues { JSONValue($0) })
    }

    init(_ place: DocumentPlace) {
        switch place {
        case .page(let number): self = ["kind": "page", "number": .integer(Int64(number))]
        case .slide(let number): self = ["kind": "slide", "number": .integer(Int64(number))]
        case .sheet(let name): self = ["kind": "sheet", "name": .string(name)]
        case .chapter(let name): self = ["kind": "chapter", "name": .string(name)]
        }
    }

    init(_ range: Range<Int>) {
        self = [.integer(Int64(range.lowerBound)), .integer(Int64(range.upperBound))]
    }

    init(_ document: DocumentVersion) {
        self = [
            "base": .string(document.base), "name": .string(document.name),
            "version": .integer(Int64(document.version)),
        ]
    }

    init(_ base: BaseSummary) {
        self = [
            "name": .string(base.name), "description": .string(base.description), "embedding": JSONValue(base.model),
            "documents": .integer(Int64(base.documents)), "chunks": .integer(Int64(base.chunks)),
            "created": .number(base.created), "epoch": .integer(Int64(base.epoch)),
        ]
        if let next = base.next { self["next_embedding"] = JSONValue(next) }
    }

    init(_ model: MartletKnowledge.EmbeddingModel) {
        self = [
            "name": .string(model.name), "version": .string(model.version),
            "dimensions": .integer(Int64(model.dimensions)),
        ]
    }

    init(_ document: DocumentSummary) {
        self = [
            "name": .string(document.document.name), "version": .integer(Int64(document.document.version)),
            "type": .string(document.type), "bytes": .integer(Int64(document.bytes)),
            "chunks": .integer(Int64(document.chunks)), "added": .number(document.added),
            "metadata": JSONValue(document.metadata), "sha256": .string(document.hash),
        ]
    }

    init(_ added: Added) {
        self = [
            "name": .string(added.document.name), "version": .integer(Int64(added.document.version)),
            "chunks": .integer(Int64(added.chunks)), "embedded": .integer(Int64(added.embedded)),
            "new": .bool(added.isNew), "near_duplicates": .array(added.nearDuplicates.map { .string($0) }),
        ]
    }

    init(_ passage: Passage) {
        self = [
            "id": .integer(passage.id.number), "document": JSONValue(passage.document),
            "text": .string(passage.chunk.text), "range": JSONValue(passage.chunk.range),
            "place": passage.chunk.place.map { JSONValue($0) } ?? .null,
            "headings": .array(passage.chunk.headings.map { .string($0) }), "score": .number(passage.score),
            "metadata": JSONValue(passage.metadata), "why": JSONValue(passage.why),
        ]
    }

    init(_ why: Passage.Why) {
        self = [
            "word_rank": .some(why.wordRank), "word_score": .some(why.wordScore), "vector_rank": .some(why.vectorRank),
            "cosine": .some(why.cosine), "vector_weight": .some(why.vectorWeight),
            "matched": .array(why.matched.map { .string($0) }),
        ]
    }

    init(_ sentence: CheckedSentence) {
        self = [
            "range": JSONValue(sentence.range),
            "citations": .array(
                sentence.citations.map {
                    ["source": .integer(Int64($0.source)), "range": JSONValue($0.range)]
                }),
            "flaws": .array(sentence.flaws.map { JSONValue($0) }),
        ]
    }

    init(_ flaw: CheckedSentence.Flaw) {
        switch flaw {
        case .unknownDetail(let detail): self = ["kind": "unknown_detail", "detail": .string(detail)]
        case .unsupported: self = ["kind": "unsupported"]
        case .unknownSource(let number): self = ["kind": "unknown_source", "source": .integer(Int64(number))]
        }
    }

    init(_ end: AnswerEnd) {
        self = [
            "kind": .string(end.kind.rawValue), "finish_reason": .string(end.finishReason),
            "trouble": end.trouble.map { .string($0.rawValue) } ?? .null,
            "prompt_tokens": .some(end.promptTokens), "answer_tokens": .some(end.answerTokens),
        ]
    }

    init(_ reply: WholeReply) {
        self = [
            "answer": .string(reply.text), "reasoning": .string(reply.reasoning),
            "sources": .array(reply.sources.map { JSONValue($0) }),
            "citations": .array(reply.citations.map { JSONValue($0) }), "end": JSONValue(reply.end),
        ]
    }

    init(_ text: DocumentText) {
        self = [
            "text": .string(text.text), "title": text.title.map { .string($0) } ?? .null,
            "places": .array(
                text.places.map { ["offset": .integer(Int64($0.offset)), "place": JSONValue($0.place)] }),
            "headings": .array(
                text.headings.map {
                    [
                        "offset": .integer(Int64($0.offset)), "level": .integer(Int64($0.level)),
                        "title": .string($0.title),
                    ]
                }),
        ]
    }

    static func some(_ number: Int?) -> JSONValue { number.map { .integer(Int64($0)) } ?? .null }
    static func some(_ number: Double?) -> JSONValue { number.map { .number($0) } ?? .null }

    /// As OpenAI's clients are told how many tokens an answer took; null: the model does not say.
    static func usage(_ end: AnswerEnd) -> JSONValue {
        // Numbers that a backend said.
        guard let prompt = end.promptTokens, let answer = end.answerTokens,
            case let (sum, isTooMuch) = prompt.addingReportingOverflow(answer), !isTooMuch
        else { return .null }
        return [
            "prompt_tokens": .integer(Int64(prompt)), "completion_tokens": .integer(Int64(answer)),
            "total_tokens": .integer(Int64(sum)),
        ]
    }
}

extension MetadataValue {
    /// nil: a list, an object or null.
    init?(_ value: JSONValue) {
        switch value {
        case .string(let text): self = .text(text)
        case .bool(let flag): self = .flag(flag)
        case .integer(let number): self = .number(Double(number))
        case .number(let number): self = .number(number)
        case .null, .array, .object: return nil
        }
    }
}

extension RequestFields {
    /// Names and their values; those that are null are left out.
    func metadata(_ name: String) throws(FieldFlaw) -> [String: MetadataValue] {
        var metadata: [String: MetadataValue] = [:]
        for (key, value) in try spelled(name) ?? [:] where value != .null {
            guard let value = MetadataValue(value) else {
                throw FieldFlaw(
                    field: name, kind: .object, message: "`\(name)` has a value that is no text, number or flag.")
            }
            metadata[key] = value
        }
        return metadata
    }

    /// Names and their values as OpenAI's API bounds them: 16 of at most 64 and 512 characters.
    func attributes(_ name: String) throws(FieldFlaw) -> [String: MetadataValue] {
        let given = try object(name) ?? [:]
        let isShort = given.count <= 16
            && given.allSatisfy { $0.key.unicodeScalars.count <= 64 && $0.value.words.unicodeScalars.count <= 512 }
        guard isShort else {
            throw FieldFlaw(
                field: name, kind: .range,
                message: "`\(name)` has more than 16 values, a name above 64 or a text above 512 characters.")
        }
        return try metadata(name)
    }
}
