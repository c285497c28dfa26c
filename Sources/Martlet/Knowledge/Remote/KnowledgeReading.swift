import MartletKnowledge
import MartletLogic
import MartletWire

// What Martlet's own paths say of knowledge, read back: `KnowledgeJSON` is the other side. All throw `FieldFlaw`.

extension RequestFields {
    private static let anyNumber = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude

    init(of json: JSON?) throws(FieldFlaw) {
        guard case .object(let values)? = json else {
            throw FieldFlaw(field: "", kind: .object, message: "It is no object of JSON.")
        }
        self.init(values)
    }

    func figure(_ name: String) throws(FieldFlaw) -> Double? { try number(name, in: Self.anyNumber) }

    func whole(_ name: String) throws(FieldFlaw) -> Int? {
        guard case .integer(let number)? = self[name] else { return nil }
        return Int(number)
    }

    func must<Value>(_ value: Value?, _ name: String) throws(FieldFlaw) -> Value {
        guard let value else { throw FieldFlaw(field: name, kind: .missing, message: "`\(name)` is missing.") }
        return value
    }

    func flagged(_ name: String) throws(FieldFlaw) -> Bool { try must(try flag(name), name) }
    func counted(_ name: String) throws(FieldFlaw) -> Int { try must(try whole(name), name) }
    func measured(_ name: String) throws(FieldFlaw) -> Double { try must(try figure(name), name) }
    func listed(_ name: String) throws(FieldFlaw) -> [JSON] { try must(try list(name), name) }

    func range(_ name: String) throws(FieldFlaw) -> Range<Int> {
        guard case .integer(let start)? = try listed(name).first, case .integer(let end)? = try listed(name).last,
            start <= end
        else { throw FieldFlaw(field: name, kind: .list, message: "`\(name)` is no range.") }
        return Int(start)..<Int(end)
    }
}

/// Each of a list, read.
func each<Value>(
    _ list: [JSON], _ read: (RequestFields) throws(FieldFlaw) -> Value
) throws(FieldFlaw) -> [Value] {
    var values: [Value] = []
    for json in list { values.append(try read(try RequestFields(of: json))) }
    return values
}

extension BaseSummary {
    init(_ fields: RequestFields) throws(FieldFlaw) {
        self.init(
            name: try fields.required("name"), description: try fields.required("description"),
            model: try MartletKnowledge.EmbeddingModel(RequestFields(of: fields["embedding"])),
            documents: try fields.counted("documents"), chunks: try fields.counted("chunks"),
            created: try fields.measured("created"), epoch: try fields.counted("epoch"),
            next: try fields["next_embedding"].map { json throws(FieldFlaw) in
                try MartletKnowledge.EmbeddingModel(RequestFields(of: json))
            })
    }
}

extension MartletKnowledge.EmbeddingModel {
    init(_ fields: RequestFields) throws(FieldFlaw) {
        self.init(
            name: try fields.required("name"), version: try fields.required("version"),
            dimensions: try fields.counted("dimensions"))
    }
}

extension DocumentSummary {
    init(_ fields: RequestFields, base: String) throws(FieldFlaw) {
        self.init(
            document: DocumentVersion(
                base: base, name: try fields.required("name"), version: try fields.counted("version")),
            type: try fields.required("type"), bytes: try fields.counted("bytes"), chunks: try fields.counted("chunks"),
            added: try fields.measured("added"), metadata: try fields.metadata("metadata"),
            hash: try fields.required("sha256"))
    }
}

extension Added {
    init(_ fields: RequestFields, base: String) throws(FieldFlaw) {
        self.init(
            document: DocumentVersion(
                base: base, name: try fields.required("name"), version: try fields.counted("version")),
            chunks: try fields.counted("chunks"), embedded: try fields.counted("embedded"),
            isNew: try fields.flagged("new"), nearDuplicates: try fields.texts("near_duplicates") ?? [])
    }
}

extension DocumentPlace {
    init(_ fields: RequestFields) throws(FieldFlaw) {
        switch try fields.required("kind") {
        case "page": self = .page(try fields.counted("number"))
        case "slide": self = .slide(try fields.counted("number"))
        case "sheet": self = .sheet(try fields.required("name"))
        case "chapter": self = .chapter(try fields.required("name"))
        default: throw FieldFlaw(field: "kind", kind: .range, message: "`kind` is of no known place.")
        }
    }
}

extension Passage {
    init(_ fields: RequestFields) throws(FieldFlaw) {
        let document = try RequestFields(of: fields["document"])
        let why = try RequestFields(of: fields["why"])
        self.init(
            id: ChunkID(Int64(try fields.counted("id"))),
            document: DocumentVersion(
                base: try document.required("base"), name: try document.required("name"),
                version: try document.counted("version")),
            chunk: Chunk(
                text: try fields.required("text"), range: try fields.range("range"),
                place: try fields["place"].map { json throws(FieldFlaw) in
                    try DocumentPlace(try RequestFields(of: json))
                },
                headings: try fields.texts("headings") ?? []),
            metadata: try fields.metadata("metadata"), score: try fields.measured("score"),
            why: Why(
                wordRank: try why.whole("word_rank"), wordScore: try why.figure("word_score"),
                vectorRank: try why.whole("vector_rank"), cosine: try why.figure("cosine"),
                matched: try why.texts("matched") ?? []))
    }
}

extension CheckedSentence {
    init(_ fields: RequestFields) throws(FieldFlaw) {
        self.init(
            range: try fields.range("range"),
            citations: try each(try fields.listed("citations")) { citation throws(FieldFlaw) in
                Citation(source: try citation.counted("source"), range: try citation.range("range"))
            },
            flaws: try each(try fields.listed("flaws")) { flaw throws(FieldFlaw) in try Flaw(flaw) })
    }
}

extension CheckedSentence.Flaw {
    init(_ fields: RequestFields) throws(FieldFlaw) {
        switch try fields.required("kind") {
        case "unknown_detail": self = .unknownDetail(try fields.required("detail"))
        case "unknown_source": self = .unknownSource(try fields.counted("source"))
        default: self = .unsupported
        }
    }
}

extension AnswerEnd {
    init(_ fields: RequestFields) throws(FieldFlaw) {
        let said = try fields.required("kind")
        guard let kind = Kind(rawValue: said) else {
            throw FieldFlaw(field: "kind", kind: .range, message: "`kind` is no known end: \(said.prefix(40)).")
        }
        self.init(
            kind: kind, finishReason: try fields.required("finish_reason"),
            trouble: try fields.text("trouble").flatMap(ModelTrouble.init),
            promptTokens: try fields.whole("prompt_tokens"), answerTokens: try fields.whole("answer_tokens"))
    }
}

extension DocumentText {
    init(_ fields: RequestFields) throws(FieldFlaw) {
        self.init(
            text: try fields.required("text"), title: try fields.text("title"),
            places: try each(try fields.listed("places")) { mark throws(FieldFlaw) in
                PlaceMark(
                    offset: try mark.counted("offset"),
                    place: try DocumentPlace(try RequestFields(of: mark["place"])))
            },
            headings: try each(try fields.listed("headings")) { mark throws(FieldFlaw) in
                HeadingMark(
                    offset: try mark.counted("offset"), level: try mark.counted("level"),
                    title: try mark.required("title"))
            })
    }
}
