import MartletBase
import MartletKnowledge
import MartletLogic
import MartletNet
import MartletWire

/// The knowledge of a server, over Martlet's own paths (`KnowledgeEndpoint` is the other side).
final class RemoteDesk: KnowledgeDesk {
    private static let documentsAtOnce = 1000

    let server: KnowledgeServer
    /// Files that were fetched, until the desk is closed.
    let fetched = FetchedFiles()

    /// - Parameters:
    ///   - url: `http://HOST:PORT`.
    ///   - key: Shown as `X-API-Key`.
    /// - Throws: `invalid`: it is no URL.
    init(_ url: String, key: Secret?) throws(KnowledgeError) {
        server = try KnowledgeServer(url, key: key)
    }

    func close() {
        server.close()
        fetched.remove()
    }

    // MARK: Bases

    func bases() async throws -> [BaseSummary] {
        let fields = try await server.ask(.get, try KnowledgeServer.path())
        return try server.read { () throws(FieldFlaw) in
            try each(try fields.listed("bases")) { base throws(FieldFlaw) in try BaseSummary(base) }
        }
    }

    func base(_ name: String) async throws -> BaseSummary {
        let fields = try await server.ask(.get, try KnowledgeServer.path(name))
        return try server.read { () throws(FieldFlaw) in try BaseSummary(fields) }
    }

    func create(_ settings: BaseSettings) async throws {
        var body: JSON = ["name": .string(settings.name), "description": .string(settings.description)]
        if let embedding = settings.embedding { body["embedding"] = .string(embedding) }
        _ = try await server.ask(.post, try KnowledgeServer.path(), body)
    }

    func describe(_ base: String, as description: String) async throws {
        _ = try await server.ask(.patch, try KnowledgeServer.path(base), ["description": .string(description)])
    }

    func remove(base: String) async throws {
        _ = try await server.ask(.delete, try KnowledgeServer.path(base))
    }

    func reembed(
        _ base: String, with embedding: String?, progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Void
    ) async throws -> BaseSummary {
        let body: JSON = .object(embedding.map { ["embedding": .string($0)] } ?? [:])
        var ended: BaseSummary?
        try await server.events(
            try KnowledgeServer.path(base, "/reembed"), contentType: "application/json",
            StreamedBody(Array(body.text.utf8))
        ) { [server] event, fields in
            switch event.name {
            case "progress":
                let (done, count) = try server.progress(fields)
                progress(done, count)
            case "end": ended = try server.read { () throws(FieldFlaw) in try BaseSummary(fields) }
            default: break
            }
        }
        guard let ended else { throw KnowledgeError(.unavailable, "The server did not say what became of \(base).") }
        return ended
    }

    // MARK: Documents

    func documents(in base: String) async throws -> [DocumentSummary] {
        var (documents, next): ([DocumentSummary], Int?) = ([], 0)
        while let first = next {
            let fields = try await server.ask(
                .get, try KnowledgeServer.path(base, "/documents?limit=\(Self.documentsAtOnce)&next=\(first)"))
            documents += try server.read { () throws(FieldFlaw) in
                try each(try fields.listed("documents")) { document throws(FieldFlaw) in
                    try DocumentSummary(document, base: base)
                }
            }
            next = try server.read { () throws(FieldFlaw) in try fields.whole("next") }
        }
        return documents
    }

    /// By HTTP a document goes with its file.
    func files(in base: String) async throws -> [String] { try await documents(in: base).map(\.document.name) }

    /// By HTTP a document goes with its file.
    func delete(_ names: [String], from base: String, files: Bool) async throws -> [String: KnowledgeError] {
        guard files else { throw KnowledgeError(.invalid, "A server removes documents with their files.") }
        var failed: [String: KnowledgeError] = [:]
        for name in names {
            do {
                _ = try await server.ask(.delete, try KnowledgeServer.path(base, document: name))
            } catch let error as KnowledgeError where error.code == .notFound {
                failed[name] = error
            }
        }
        return failed
    }

    func text(of document: DocumentVersion) async throws -> DocumentText {
        let path = try KnowledgeServer.path(
            document.base, document: document.name, "/text?version=\(document.version)")
        let fields = try await server.ask(.get, path)
        return try server.read { () throws(FieldFlaw) in try DocumentText(fields) }
    }

    func chunks(of name: String, in base: String, from first: Int, atMost count: Int) async throws -> [Passage] {
        let path = try KnowledgeServer.path(base, document: name, "/chunks?limit=\(count)&next=\(first)")
        return try await passages("chunks", of: try await server.ask(.get, path))
    }

    func passages(_ name: String, of fields: RequestFields) async throws -> [Passage] {
        try server.read { () throws(FieldFlaw) in
            try each(try fields.listed(name)) { passage throws(FieldFlaw) in try Passage(passage) }
        }
    }
}
