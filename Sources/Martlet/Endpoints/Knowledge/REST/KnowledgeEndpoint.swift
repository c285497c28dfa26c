import MartletBase
import MartletConsole
import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire

/// Martlet's own paths: `/knowledge` and all below it.
///
/// `GET`, `POST /knowledge`; `GET`, `PATCH`, `DELETE /knowledge/{base}`; `GET`, `POST /knowledge/{base}/documents`;
/// `GET`, `PUT`, `DELETE /knowledge/{base}/documents/{name}` with `/file`, `/text` and `/chunks`;
/// `POST /knowledge/{base}/reembed`, `/search` and `/ask`. A document's slashes are the path's, as in
/// `/knowledge/hr/documents/wiki/Home.md/text`.
final class KnowledgeEndpoint: UploadHandler {
    static let path = "/knowledge"

    /// What a document is made of.
    enum Part: String {
        /// As it was uploaded.
        case file
        /// As it was read, of `?version=`, which a citation names.
        case text
        case chunks
    }

    let desk: any KnowledgeDesk
    let spool: UploadSpool

    init(_ desk: any KnowledgeDesk, spool: UploadSpool) {
        (self.desk, self.spool) = (desk, spool)
    }

    func handle(_ request: LocalRequest, body: LocalBody) async throws -> LocalResponse {
        try await answering(.openAI) {
            if ![.get, .head].contains(request.method), !RequestOrigin.isOwn(request.headers) {
                throw MartletError(.unauthorized, cause: "pages of other sites may not do this")
            }
            let parts = try request.parts(after: Self.path)
            guard let name = parts.first else { return try await bases(request, body) }
            switch (parts.count, parts.dropFirst().first) {
            case (1, _): return try await base(name, request, body)
            case (2, "reembed"?): return try await reembed(name, request, body)
            case (2, "search"?): return try await search(name, request, body)
            case (2, "ask"?): return try await ask(name, request, body)
            case (2, "documents"?): return try await documents(name, request, body)
            case (3..., "documents"?):
                let steps = parts.dropFirst(2)
                guard steps.count > 1, [.get, .head].contains(request.method),
                    let part = Part(rawValue: parts.last ?? "")
                else { return try await document(steps.joined(separator: "/"), of: name, request, body) }
                return try await read(part, of: steps.dropLast().joined(separator: "/"), in: name, request)
            default: throw MartletError(.notFound)
            }
        }
    }

    // MARK: Bases

    private func bases(_ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        switch request.method {
        case .get, .head:
            let bases = try await desk.bases().filter { !TemporaryBases.isOne($0.name) }
            return .json(JSON.object(["bases": .array(bases.map { JSON($0) })]).text)
        case .post:
            let fields = try await RequestFields(body)
            let name = try fields.required("name")
            guard KnowledgeName.isValid(base: name) else {
                throw KnowledgeError(.invalid, "`name` is not what a base may be called.")
            }
            try await desk.create(
                BaseSettings(
                    name: name, description: try fields.text("description") ?? "",
                    embedding: try fields.text("embedding")))
            return .json(JSON(try await desk.base(name)).text, status: 201)
        default: throw MartletError.wrongMethod(allow: ["GET", "HEAD", "POST"])
        }
    }

    private func base(_ name: String, _ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        switch request.method {
        case .get, .head: break
        case .patch:
            try await desk.describe(name, as: try await RequestFields(body).required("description"))
        case .delete:
            try await desk.remove(base: name)
            return .json(JSON.object(["name": .string(name), "deleted": true]).text)
        default: throw MartletError.wrongMethod(allow: ["DELETE", "GET", "HEAD", "PATCH"])
        }
        return .json(JSON(try await desk.base(name)).text)
    }

    // MARK: Questions

    private func search(_ base: String, _ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        try request.must(be: .post)
        let asked = try AskedOfKnowledge(try await RequestFields(body), text: "query", base: base)
        let query = RetrievalQuery(
            text: asked.text, limit: asked.limit, minimumScore: asked.minimumScore, filter: asked.filter)
        let passages = try await desk.search(query, in: asked.bases)
        return .json(JSON.object(["passages": .array(passages.map { JSON($0) })]).text)
    }

    /// As events (`sources`, `reasoning`, `text`, `citations`, `end`, or `error`), or whole with `"stream": false`.
    private func ask(_ base: String, _ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        try request.must(be: .post)
        let fields = try await RequestFields(body)
        let asked = try AskedOfKnowledge(fields, text: "question", base: base)
        let begun = try await BegunReply(try asked.question(fields), of: desk)
        guard try fields.flag("stream") ?? true else { return .json(JSON(try await WholeReply(begun)).text) }
        let sources = JSON.array(begun.sources.map { JSON($0) })
        return EventStream.response { writer in
            try await writer.write(EventStream.event("sources", JSON.object(["sources": sources]).text))
            do {
                try await begun.follow { event in
                    guard let (name, data) = Self.event(event) else { return }
                    try await writer.write(EventStream.event(name, data.text))
                }
            } catch {
                guard let known = KnowledgeError(of: error) else { throw error }
                try await writer.write(EventStream.event("error", known.body(.openAI)))
            }
        }
    }

    private static func event(_ event: AnswerEvent) -> (name: String, data: JSON)? {
        switch event {
        case .sources: nil
        case .reasoning(let text): ("reasoning", ["text": .string(text)])
        case .text(let text): ("text", ["text": .string(text)])
        case .citations(let sentences): ("citations", ["sentences": .array(sentences.map { JSON($0) })])
        case .end(let end): ("end", JSON(end))
        }
    }
}
