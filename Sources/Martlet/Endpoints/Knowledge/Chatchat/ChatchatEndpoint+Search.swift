import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire

// Searching, as Chatchat does it, and bases made anew.
extension ChatchatEndpoint {
    private static let mostFound = 1000

    /// A bare list; empty where there is no such base.
    func search(_ fields: RequestFields) async throws -> LocalResponse {
        let base = try fields.required("knowledge_base_name")
        let text = try fields.text("query") ?? ""
        let pattern = (try fields.text("file_name") ?? "").replacingPercent
        let metadata = try fields.metadata("metadata")
        var query = try Self.query(text, fields)
        query.filter = Self.filter(pattern, metadata)
        do {
            if !text.isEmpty { return Self.list(try await desk.search(query, in: [base])) }
            guard let filter = query.filter else { return Self.list([]) }
            return Self.list(try await chunks(of: base, filter))
        } catch let error as KnowledgeError where error.code == .notFound {
            return Self.list([])
        }
    }

    func searchTemporary(_ fields: RequestFields) async throws -> LocalResponse {
        let id = try fields.required("knowledge_id")
        for name in ["top_k", "score_threshold"] where fields[name] == nil {
            throw FieldFlaw(field: name, kind: .missing, message: "`\(name)` is missing.")
        }
        let query = try Self.query(try fields.text("query") ?? "", fields)
        guard let base = try await temporary.base(id), !query.text.isEmpty else { return Self.list([]) }
        return Self.list(try await desk.search(query, in: [base]))
    }

    private static func query(_ text: String, _ fields: RequestFields) throws(FieldFlaw) -> RetrievalQuery {
        let threshold = try fields.number("score_threshold", in: 0...2) ?? ChatchatScore.all
        return RetrievalQuery(
            text: text, limit: try fields.count("top_k", in: 1...mostFound) ?? 3,
            minimumScore: ChatchatScore.minimum(for: threshold))
    }

    private static func filter(_ pattern: String, _ metadata: [String: MetadataValue]) -> DocumentFilter? {
        var filters = metadata.sorted { $0.key < $1.key }.map { DocumentFilter.compare(key: $0.key, .equal, $0.value) }
        if !pattern.isEmpty { filters.append(.name(like: pattern)) }
        return filters.isEmpty ? nil : .all(filters)
    }

    /// Every chunk of the documents that fit, without a question.
    private func chunks(of base: String, _ filter: DocumentFilter) async throws -> [Passage] {
        var found: [Passage] = []
        for document in try await desk.documents(in: base) where filter.fits(document) && found.count < Self.mostFound {
            found += try await desk.chunks(
                of: document.document.name, in: base, from: 0, atMost: Self.mostFound - found.count)
        }
        return found
    }

    private static func list(_ passages: [Passage]) -> LocalResponse {
        .json(JSON.array(passages.map(document)).text)
    }

    /// A passage as LangChain's documents are written.
    static func document(_ passage: Passage) -> JSON {
        var metadata = passage.metadata.mapValues { JSON($0) }
        let id = JSON.string("\(passage.id.number)")
        metadata["source"] = .string(passage.document.name)
        metadata["id"] = id
        if case .page(let number)? = passage.chunk.place { metadata["page"] = .integer(Int64(number)) }
        return [
            "id": id, "page_content": .string(passage.chunk.text), "metadata": .object(metadata), "type": "Document",
            "score": .number(ChatchatScore.placeholder),
        ]
    }

    // MARK: A base made anew

    /// Reads every document of the base anew; an event for each. With another `embed_model` of this server the base's
    /// vectors are made by that one, all of them in one step, before.
    func recreate(_ fields: RequestFields) throws -> LocalResponse {
        let name = try fields.required("knowledge_base_name")
        guard !KnowledgeName.isHostile(name) else { return ChatchatReply.attack.response }
        let options = try ingestOptions(fields)
        let mayBeNew = try fields.flag("allow_empty_kb") ?? true
        let embedding = try embedding(fields)
        return EventStream.response { [self] writer in
            do {
                guard try await begin(name, embedding, mayBeNew: mayBeNew) else {
                    let reply = ChatchatReply("未找到知识库 ‘\(name)’", code: 404)
                    return try await writer.write(EventStream.event(reply.json))
                }
                if let embedding { _ = try await desk.reembed(name, with: embedding) { _, _ in } }
                let files = try await desk.documents(in: name).filter { !isCustom($0) }.map(\.document.name)
                for (index, file) in files.enumerated() {
                    let failure = try await reread(file, in: name, options)
                    try await writer.write(
                        EventStream.event(Self.progress(file, of: name, index + 1, files.count, failure)))
                }
            } catch {
                guard let known = KnowledgeError(of: error) else { throw error }
                try await writer.write(EventStream.event(ChatchatReply(known).json))
            }
        }
    }

    private func begin(_ name: String, _ embedding: String?, mayBeNew: Bool) async throws -> Bool {
        if try await desk.bases().contains(where: { $0.name == name }) { return true }
        guard mayBeNew else { return false }
        try await desk.create(BaseSettings(name: name, embedding: embedding))
        return true
    }

    private static func progress(
        _ file: String, of base: String, _ number: Int, _ count: Int, _ failure: String?
    ) -> String {
        if let failure {
            return ChatchatReply("添加文件‘\(file)’到知识库‘\(base)’时出错：\(failure)。已跳过。", code: 500).json
        }
        let event: JSON = [
            "code": 200, "msg": .string("(\(number) / \(count)): \(file)"), "total": .integer(Int64(count)),
            "finished": .integer(Int64(number)), "doc": .string(file),
        ]
        return event.text
    }
}

extension String {
    /// A pattern of SQL as one of ours.
    fileprivate var replacingPercent: String { String(map { $0 == "%" ? "*" : $0 }) }
}

extension DocumentFilter {
    /// Whether a document is one of those that are asked for by name or by what is known of it.
    fileprivate func fits(_ document: DocumentSummary) -> Bool {
        switch self {
        case .all(let filters): filters.allSatisfy { $0.fits(document) }
        case .any(let filters): filters.contains { $0.fits(document) }
        case .not(let filter): !filter.fits(document)
        case .compare(let key, _, let value): document.metadata[key] == value
        case .name(let pattern): Self.matches(document.document.name.lowercased()[...], pattern.lowercased()[...])
        }
    }

    private static func matches(_ name: Substring, _ pattern: Substring) -> Bool {
        var (name, pattern) = (name, pattern)
        // Where to go on when the text after a star was none: one character later.
        var (star, mark): (Substring?, Substring) = (nil, name)
        while let next = name.first {
            if pattern.first == "*" {
                pattern = pattern.dropFirst()
                (star, mark) = (pattern, name)
            } else if pattern.first == next {
                (name, pattern) = (name.dropFirst(), pattern.dropFirst())
            } else if let star {
                mark = mark.dropFirst()
                (name, pattern) = (mark, star)
            } else {
                return false
            }
        }
        return pattern.allSatisfy { $0 == "*" }
    }
}
