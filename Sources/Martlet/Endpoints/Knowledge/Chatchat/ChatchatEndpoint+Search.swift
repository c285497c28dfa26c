import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire

// Searching, as Chatchat does it, and bases made anew.
extension ChatchatEndpoint {
    private static let mostFound = 1000

    /// A bare list; empty where there is no such base. Without a question, all chunks of the documents that fit.
    func search(_ fields: RequestFields) async throws -> LocalResponse {
        let base = try fields.required("knowledge_base_name")
        let text = try fields.text("query") ?? ""
        var query = try Self.query(text, fields)
        query.filter = try FilterReader.chatchat(
            name: try fields.text("file_name") ?? "", try fields.metadata("metadata"))
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
        RetrievalQuery(
            text: try FieldFlaw.question(text, "query"), limit: try fields.count("top_k", in: 1...mostFound) ?? 3,
            minimumCosine: try fields.minimumCosine)
    }

    /// Every chunk of the documents that fit, without a question.
    private func chunks(of base: String, _ filter: DocumentFilter) async throws -> [Passage] {
        var found: [Passage] = []
        for document in try await desk.documents(in: base) where found.count < Self.mostFound {
            guard filter.fits(name: document.document.name, document.metadata) else { continue }
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

    /// Reads every file of the base anew, also those whose documents were deleted; an event for each. With another
    /// `embed_model` of this server the base's vectors are made by that one, all of them in one step, before.
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
                let documents = try await byName(name)
                let files = try await desk.files(in: name)
                for (index, file) in files.enumerated() {
                    let failure = try await reread(file, documents[file], in: name, options)
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
        if try await desk.has(base: name) { return true }
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
