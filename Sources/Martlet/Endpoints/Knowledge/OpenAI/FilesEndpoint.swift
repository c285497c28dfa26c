import MartletBase
import MartletConsole
import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire

/// OpenAI's files: `/v1/files`, `/v1/files/{id}` and `/v1/files/{id}/content`.
final class FilesEndpoint: UploadHandler {
    static let path = "/v1/files"

    private let shelf: Shelf
    private let spool: UploadSpool

    init(_ shelf: Shelf, spool: UploadSpool) {
        (self.shelf, self.spool) = (shelf, spool)
    }

    func handle(_ request: LocalRequest, body: LocalBody) async throws -> LocalResponse {
        try await answering(.openAI) {
            let parts = try request.parts(after: Self.path)
            switch (parts.count, parts.dropFirst().first) {
            case (0, _): return try await files(request, body)
            case (1, _): return try await file(parts[0], request)
            case (2, "content"?):
                try request.must(be: .get)
                return FileAnswer.response(try await shelf.content(parts[0]), isShown: false)
            default: throw MartletError(.notFound)
            }
        }
    }

    private func files(_ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        switch request.method {
        case .get, .head:
            let query = try RequestQuery(request, knows: ListPage.parameters.union(["purpose"]))
            let page = try ListPage(query, usual: 10_000, most: 10_000)
            let purpose = query.text("purpose")
            let files = await shelf.list().filter { purpose == nil || $0.purpose == purpose }
            return .json(page.list(files, id: \.id) { JSON($0) }.text)
        case .post:
            let form = try await spool.form(request, body)
            defer { form.folder.remove() }
            guard let file = form.files.first(where: { $0.field == "file" }) else {
                throw KnowledgeError(.invalid, "The form has no `file`.")
            }
            guard KnowledgeName.isValid(document: file.name) else {
                throw KnowledgeError(.invalid, "`\(file.name.prefix(200))` is not what a file may be called.")
            }
            let purpose = try RequestFields(form).text("purpose") ?? "assistants"
            let kept = try await shelf.add(file.path, name: file.name, purpose: purpose, bytes: file.bytes)
            return .json(JSON(kept).text)
        default: throw MartletError.wrongMethod(allow: ["GET", "HEAD", "POST"])
        }
    }

    private func file(_ id: String, _ request: LocalRequest) async throws -> LocalResponse {
        switch request.method {
        case .get, .head: return .json(JSON(try await shelf.file(id)).text)
        case .delete:
            try await shelf.remove(id)
            return .json(JSON.object(["id": .string(id), "object": "file", "deleted": true]).text)
        default: throw MartletError.wrongMethod(allow: ["DELETE", "GET", "HEAD"])
        }
    }
}

/// A page of a list, as OpenAI's API cuts them.
struct ListPage: Sendable {
    static let parameters: Set = ["limit", "order", "after", "before", "filter"]

    private let limit: Int
    private let isAscending: Bool
    private let after: String?
    private let before: String?

    init(_ query: RequestQuery, usual: Int = 20, most: Int = 100) throws(MartletError) {
        limit = try query.count("limit", in: 1...most, or: usual)
        isAscending = query.text("order") == "asc"
        (after, before) = (query.text("after"), query.text("before"))
    }

    /// - Parameter items: The latest first.
    func list<Item>(_ items: [Item], id: (Item) -> String, json: (Item) -> JSON) -> JSON {
        var rest = (isAscending ? items.reversed() : items)[...]
        if let after, let place = rest.firstIndex(where: { id($0) == after }) { rest = rest[(place + 1)...] }
        if let before, let place = rest.firstIndex(where: { id($0) == before }) { rest = rest[..<place].suffix(limit) }
        let page = rest.prefix(limit)
        return [
            "object": "list", "data": .array(page.map(json)), "has_more": .bool(page.count < rest.count),
            "first_id": page.first.map { .string(id($0)) } ?? .null,
            "last_id": page.last.map { .string(id($0)) } ?? .null,
        ]
    }
}
