import Foundation
import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire
import NIOCore

// Answers, as Chatchat gives them.
extension ChatchatEndpoint {
    func chat(_ asked: ChatchatQuestion, _ request: LocalRequest) async throws -> LocalResponse {
        guard !KnowledgeName.isHostile(asked.name) else { return ChatchatReply.attack.response }
        let base: String?
        switch asked.mode {
        case .local: base = try await desk.has(base: asked.name) ? asked.name : nil
        case .temporary: base = try await temporary.base(asked.name)
        case .engine: base = nil
        }
        guard let base else { return unknown(asked) }
        let links = Links(server: address(request), base: asked.name)
        if asked.wantsSources { return try await sources(asked, base, links) }
        let begun = try await BegunReply(asked.question(of: base), of: desk)
        let sources = links.sources(begun.sources)
        let chunks = ChatchatChunks(settings.form, model: asked.model)
        guard asked.streams else {
            let whole = try await WholeReply(begun)
            var answer = chunks.whole(
                whole.text, sources: settings.form == .fixed ? sources : nil,
                finish: settings.form == .fixed ? whole.end.finishReason : nil, reasoning: whole.reasoning)
            if settings.form == .fixed { answer["martlet"] = ChatchatChunks.details(whole.end, whole.citations) }
            if settings.form == .fixed, case .object = JSON.usage(whole.end) { answer["usage"] = JSON.usage(whole.end) }
            return wholeResponse(answer)
        }
        return EventStream.response { [settings] writer in
            try await Self.write(begun, sources, chunks, settings.form, to: writer)
        }
    }

    private func unknown(_ asked: ChatchatQuestion) -> LocalResponse {
        let text =
            switch asked.mode {
            case .local: "未找到知识库 \(asked.name)"
            case .temporary: "未找到临时知识库 \(asked.name)，请先上传文件"
            case .engine: "未找到搜索引擎 \(asked.name)"
            }
        guard settings.form == .fixed, asked.isCompletion else { return ChatchatReply(text, code: 404).response }
        return KnowledgeError(.notFound, text).response(.openAI)
    }

    /// Sources alone.
    private func sources(_ asked: ChatchatQuestion, _ base: String, _ links: Links) async throws -> LocalResponse {
        let query = RetrievalQuery(text: asked.query, limit: asked.limit, minimumCosine: asked.minimumCosine)
        let found = links.sources(try await desk.search(query, in: [base]))
        let answer = ChatchatChunks(settings.form, model: nil).whole("", sources: found, finish: "stop")
        guard asked.streams else { return wholeResponse(answer) }
        return EventStream.response { [settings] writer in
            try await writer.write(EventStream.event(answer.text))
            if settings.form == .fixed { try await writer.write(EventStream.event("[DONE]")) }
        }
    }

    /// In Chatchat's own form a text of JSON, which is JSON.
    private func wholeResponse(_ answer: JSON) -> LocalResponse {
        .json(settings.form == .chatchat ? JSON.string(answer.text).text : answer.text)
    }

    private static func write(
        _ begun: BegunReply, _ sources: [String], _ chunks: ChatchatChunks, _ form: ChatchatSettings.Form,
        to writer: LocalWriter
    ) async throws {
        let nothing = form == .chatchat ? [ChatchatChunks.nothingFound] : []
        // Each event in a piece of its own: Chatchat's client takes what one read brings for one event.
        try await writer.write(EventStream.event(chunks.sources(sources.isEmpty ? nothing : sources).text))
        var citations: [CheckedSentence] = []
        do {
            try await begun.follow { event in
                let chunk: JSON?
                switch event {
                case .sources: chunk = nil
                case .reasoning(let text): chunk = chunks.reasoning(text)
                case .text(let text): chunk = chunks.text(text)
                case .citations(let sentences):
                    citations = sentences
                    chunk = nil
                case .end(let end): chunk = chunks.end(end, citations)
                }
                if let chunk { try await writer.write(EventStream.event(chunk.text)) }
            }
            if form == .fixed { try await writer.write(EventStream.event("[DONE]")) }
        } catch {
            guard let known = KnowledgeError(of: error) else { throw error }
            let text = form == .fixed ? known.body(.openAI) : JSON.object(["error": .string(known.message)]).text
            try await writer.write(EventStream.event(text))
        }
    }

    // MARK: A few files

    func uploadTemporary(_ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        let form = try await spool.form(request, body)
        defer { form.folder.remove() }
        let fields = RequestFields(form)
        let options = try ingestOptions(fields)
        let files = form.files.filter { $0.field == "files" }
        guard !files.isEmpty else {
            throw FieldFlaw(field: "files", kind: .missing, message: "`files` is missing.")
        }
        if let former = try fields.text("prev_id"), !former.isEmpty { try await temporary.remove(id: former) }
        let (id, base) = try await temporary.create()
        var failed: [JSON] = []
        for file in files {
            let failure: String? =
                if KnowledgeName.isValid(document: file.name) {
                    try await failure(of: "\(file.name) 文件上传失败，报错信息为") {
                        _ = try await desk.add(IncomingFile(name: file.name, path: file.path), to: base, options)
                        return nil
                    }
                } else { "Don't attack me" }
            if let failure { failed.append([file.name: .string(failure)]) }
        }
        return ChatchatReply(data: ["id": .string(id), "failed_files": .array(failed)]).response
    }

    /// Always a stream: pieces of the answer, then its sources.
    func chatWithFiles(_ fields: RequestFields) async throws -> LocalResponse {
        let id = try fields.required("knowledge_id")
        var asked = try ChatchatQuestion(fields)
        asked.model = try fields.text("model_name").flatMap { $0.isEmpty ? nil : $0 }
        asked.streams = try fields.flag("stream") ?? false
        guard let base = try await temporary.base(id) else {
            return ChatchatReply("未找到临时知识库 \(id)，请先上传文件", code: 404).response
        }
        let begun = try await BegunReply(asked.question(of: base), of: desk)
        var sources = begun.sources.enumerated().map { Links.source($0 + 1, "[\($1.document.name)]", $1) }
        if sources.isEmpty, settings.form == .chatchat { sources = [ChatchatChunks.nothingFound] }
        let (docs, streams) = (JSON.array(sources.map { .string($0) }), asked.streams)
        return EventStream.response { writer in
            do {
                guard streams else {
                    let answer: JSON = ["answer": .string(try await WholeReply(begun).text), "docs": docs]
                    return try await writer.write(EventStream.event(answer.text))
                }
                try await begun.follow { event in
                    guard case .text(let text) = event else { return }
                    try await writer.write(EventStream.event(JSON.object(["answer": .string(text)]).text))
                }
                try await writer.write(EventStream.event(JSON.object(["docs": docs]).text))
            } catch {
                guard let known = KnowledgeError(of: error) else { throw error }
                try await writer.write(EventStream.event(JSON.object(["error": .string(known.message)]).text))
            }
        }
    }

    // MARK: Tools

    private static let toolName = "search_local_knowledgebase"

    /// The one tool that there is.
    static var tools: JSON {
        [
            toolName: [
                "name": .string(toolName), "title": "本地知识库",
                "description": "Use local knowledgebase from one or more of the bases that list_knowledge_bases tells.",
                "args": [
                    "database": ["type": "string", "description": "Database for Knowledge Search"],
                    "query": ["type": "string", "description": "Query for Knowledge Search"],
                ],
                "config": [:],
            ]
        ]
    }

    func callTool(_ fields: RequestFields) async throws -> LocalResponse {
        let name = try fields.required("name")
        guard name == Self.toolName else {
            return .json(JSON.object(["code": 500, "msg": .string("no tool named '\(name)'")]).text)
        }
        let input = RequestFields(try fields.object("tool_input") ?? [:])
        let query = RetrievalQuery(
            text: try FieldFlaw.question(try input.required("query"), "query"),
            limit: try input.count("top_k", in: 1...1000) ?? 3)
        let passages = try await desk.search(query, in: [try input.required("database")])
        let text = passages.enumerated().map { Links.source($0 + 1, "[\($1.document.name)]", $1) }.joined()
        return .json(JSON.object(["data": .string(text)]).text)
    }

    /// Sources with the addresses of their files.
    struct Links: Sendable {
        let server: String
        let base: String

        func sources(_ passages: [Passage]) -> [String] {
            passages.enumerated().map { index, passage in
                let file = passage.document.name
                let address =
                    "\(server)/knowledge_base/download_doc?knowledge_base_name=\(Self.quoted(passage.document.base))"
                    + "&file_name=\(Self.quoted(file))"
                return Self.source(index + 1, "[\(file)](\(address))", passage)
            }
        }

        static func source(_ number: Int, _ name: String, _ passage: Passage) -> String {
            "出处 [\(number)] \(name) \n\n\(passage.chunk.text)\n\n"
        }

        /// As Python's `urlencode` writes it.
        private static func quoted(_ text: String) -> String {
            let plain = CharacterSet.plain.union(CharacterSet(charactersIn: " "))
            return (text.addingPercentEncoding(withAllowedCharacters: plain) ?? "").replacing(" ", with: "+")
        }
    }
}
