import MartletBase
import MartletConsole
import MartletExchange
import MartletKnowledge
import MartletLogic
import MartletWire

/// OpenAI's vector stores: `/v1/vector_stores` and all below it. Every knowledge base is one, by its name.
final class VectorStoresEndpoint: UploadHandler {
    static let path = "/v1/vector_stores"
    private static let mostPassages = 50
    private static let mostFiles = 2000

    private let shelf: Shelf
    private let desk: any KnowledgeDesk

    init(_ shelf: Shelf, _ desk: any KnowledgeDesk) {
        (self.shelf, self.desk) = (shelf, desk)
    }

    func handle(_ request: LocalRequest, body: LocalBody) async throws -> LocalResponse {
        try await answering(.openAI) {
            let parts = try request.parts(after: Self.path)
            guard let id = parts.first else { return try await stores(request, body) }
            switch (parts.count, parts.dropFirst().first) {
            case (1, _): return try await store(id, request, body)
            case (2, "search"?): return try await search(id, request, body)
            case (2, "files"?): return try await files(id, request, body)
            case (3, "files"?): return try await file(parts[2], of: id, request, body)
            case (4, "files"?) where parts[3] == "content": return try await content(parts[2], of: id, request)
            case (2, "file_batches"?): return try await createBatch(id, request, body)
            case (3..., "file_batches"?): return try await batch(parts[2], of: id, Array(parts.dropFirst(3)), request)
            default: throw MartletError(.notFound)
            }
        }
    }

    // MARK: Stores

    private func stores(_ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        switch request.method {
        case .get, .head:
            let page = try ListPage(try RequestQuery(request, knows: ListPage.parameters))
            let stores = try await shelf.allStores().filter { !TemporaryBases.isOne($0.store.id) }
            return .json(page.list(stores, id: \.store.id) { JSON($0) }.text)
        case .post:
            let fields = try await RequestFields(body)
            let files = try Self.puttings(fields, strategy: fields.object("chunking_strategy"), isNeeded: false)
            return .json(JSON(try await shelf.create(try Self.change(fields), files: files)).text)
        default: throw MartletError.wrongMethod(allow: ["GET", "HEAD", "POST"])
        }
    }

    private func store(_ id: String, _ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        switch request.method {
        case .get, .head: return .json(JSON(try await shelf.store(id)).text)
        case .post:
            return .json(JSON(try await shelf.change(id, try Self.change(try await RequestFields(body)))).text)
        case .delete:
            try await shelf.remove(store: id)
            return Self.deleted(id, "vector_store.deleted")
        default: throw MartletError.wrongMethod(allow: ["DELETE", "GET", "HEAD", "POST"])
        }
    }

    private static func change(_ fields: RequestFields) throws(FieldFlaw) -> Shelf.StoreChange {
        var change = Shelf.StoreChange()
        change.name = try fields.text("name")
        if fields["metadata"] != nil {
            change.metadata = try fields.attributes("metadata").mapValues { JSON($0).words }
        }
        if fields.values["expires_after"] == .some(.null) {
            change.expiresAfterDays = .some(nil)
        } else if let expiry = try fields.object("expires_after") {
            change.expiresAfterDays = try RequestFields(expiry).count("days", in: 1...365)
        }
        return change
    }

    private static func deleted(_ id: String, _ object: JSON) -> LocalResponse {
        .json(JSON.object(["id": .string(id), "object": object, "deleted": true]).text)
    }

    // MARK: Search

    private func search(_ id: String, _ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        try request.must(be: .post)
        let fields = try await RequestFields(body)
        let texts: [String] =
            if case .array? = fields["query"] {
                try fields.texts("query") ?? []
            } else {
                [try fields.required("query")]
            }
        let ranking = RequestFields(try fields.object("ranking_options") ?? [:])
        let query = RetrievalQuery(
            text: texts.joined(separator: "\n"),
            limit: try fields.count("max_num_results", in: 1...Self.mostPassages) ?? 10,
            minimumScore: try ranking.number("score_threshold", in: 0...1) ?? 0,
            filter: try fields["filters"].map { value throws(FieldFlaw) in try FilterReader.openAI(value) })
        try await shelf.use(id)
        var data: [JSON] = []
        for passage in try await desk.search(query, in: [id]) {
            let file = await shelf.file(of: passage.document)
            data.append([
                "file_id": .string(file.id), "filename": .string(file.name), "score": .number(passage.score),
                "attributes": JSON(passage.metadata),
                "content": [["type": "text", "text": .string(passage.chunk.text)]],
            ])
        }
        let page: JSON = [
            "object": "vector_store.search_results.page", "search_query": .array(texts.map { .string($0) }),
            "data": .array(data), "has_more": false, "next_page": .null,
        ]
        return .json(page.text)
    }

    // MARK: Files

    private func files(_ id: String, _ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        switch request.method {
        case .get, .head:
            let query = try RequestQuery(request, knows: ListPage.parameters)
            _ = try await shelf.store(id)
            return try Self.list(try await shelf.files(of: id), query)
        case .post:
            let fields = try await RequestFields(body)
            let putting = try Self.putting(
                try fields.required("file_id"), fields, strategy: fields.object("chunking_strategy"))
            guard let entry = try await shelf.put([putting], into: id).first else { throw MartletError(.notFound) }
            return .json(JSON(entry).text)
        default: throw MartletError.wrongMethod(allow: ["GET", "HEAD", "POST"])
        }
    }

    /// - Parameter entries: `filter` of the query says in which state.
    private static func list(_ entries: [ShelfEntry], _ query: RequestQuery) throws -> LocalResponse {
        let state = query.text("filter")
        let shown = entries.filter { state == nil || $0.state.rawValue == state }
        return .json(try ListPage(query).list(shown, id: \.file) { JSON($0) }.text)
    }

    private func file(
        _ file: String, of id: String, _ request: LocalRequest, _ body: LocalBody
    ) async throws -> LocalResponse {
        switch request.method {
        case .get, .head: return .json(JSON(try await shelf.file(file, of: id)).text)
        case .post:
            let attributes = try await RequestFields(body).attributes("attributes")
            return .json(JSON(try await shelf.change(file, of: id, attributes: attributes)).text)
        case .delete:
            try await shelf.detach(file, from: id)
            return Self.deleted(file, "vector_store.file.deleted")
        default: throw MartletError.wrongMethod(allow: ["DELETE", "GET", "HEAD", "POST"])
        }
    }

    /// The text as it was read.
    private func content(_ file: String, of id: String, _ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        let entry = try await shelf.file(file, of: id)
        let found = try await desk.documents(in: id).first { $0.document.name == entry.document }
        guard let found else { throw KnowledgeError(.notFound, "The file is not in the vector store yet.") }
        let text = try await desk.text(of: found.document)
        let page: JSON = [
            "object": "vector_store.file_content.page", "data": [["type": "text", "text": .string(text.text)]],
            "has_more": false, "next_page": .null,
        ]
        return .json(page.text)
    }

    // MARK: Batches

    private func createBatch(_ id: String, _ request: LocalRequest, _ body: LocalBody) async throws -> LocalResponse {
        try request.must(be: .post)
        let fields = try await RequestFields(body)
        let files = try Self.puttings(fields, strategy: fields.object("chunking_strategy"), isNeeded: true)
        let (batch, entries) = try await shelf.createBatch(files, into: id)
        return .json(JSON(batch, entries).text)
    }

    private func batch(
        _ batch: String, of id: String, _ rest: [String], _ request: LocalRequest
    ) async throws -> LocalResponse {
        switch rest {
        case []:
            try request.must(be: .get)
            let (batch, entries) = try await shelf.batch(batch, of: id)
            return .json(JSON(batch, entries).text)
        case ["files"]:
            try request.must(be: .get)
            let query = try RequestQuery(request, knows: ListPage.parameters)
            return try Self.list(try await shelf.batch(batch, of: id).1, query)
        case ["cancel"]:
            try request.must(be: .post)
            let (batch, entries) = try await shelf.cancel(batch: batch, of: id)
            return .json(JSON(batch, entries).text)
        default: throw MartletError(.notFound)
        }
    }

    /// `file_ids`, with `attributes` for all of them; or `files`, each with its own.
    private static func puttings(
        _ fields: RequestFields, strategy: Fields?, isNeeded: Bool
    ) throws(FieldFlaw) -> [Shelf.Putting] {
        let (files, ids) = (try fields.list("files") ?? [], try fields.texts("file_ids", atMost: mostFiles) ?? [])
        guard files.count + ids.count <= mostFiles, !isNeeded || files.count + ids.count > 0 else {
            throw FieldFlaw(field: "file_ids", kind: .missing, message: "Name 1 to \(mostFiles) files.")
        }
        var puttings: [Shelf.Putting] = []
        for value in files {
            guard case .object(let members) = value else {
                throw FieldFlaw(field: "files", kind: .object, message: "`files` has one that is no object.")
            }
            let own = RequestFields(members)
            let strategy = try own.object("chunking_strategy") ?? strategy
            puttings.append(try putting(try own.required("file_id"), own, strategy: strategy))
        }
        guard let first = ids.first else { return puttings }
        // What is said of all of them is read once.
        var putting = try putting(first, fields, strategy: strategy)
        for id in ids {
            putting.file = id
            puttings.append(putting)
        }
        return puttings
    }

    private static func putting(
        _ id: String, _ fields: RequestFields, strategy: Fields?
    ) throws(FieldFlaw) -> Shelf.Putting {
        var putting = Shelf.Putting(id)
        putting.attributes = try fields.attributes("attributes")
        guard let sizes = try RequestFields(strategy ?? [:]).object("static").map(RequestFields.init) else {
            return putting
        }
        // Theirs are tokens, ours characters: a token has one of Chinese and four of English.
        putting.chunkSize = try sizes.count("max_chunk_size_tokens", in: 100...4096)
        putting.chunkOverlap = try sizes.count("chunk_overlap_tokens", in: 0...2048)
        return putting
    }
}
