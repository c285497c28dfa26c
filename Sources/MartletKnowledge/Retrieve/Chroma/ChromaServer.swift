import Foundation
import MartletWire

/// What is asked of a Chroma server (API v2), and what its statuses mean.
struct ChromaServer: Sendable {
    typealias Call = ChromaEngine.Call

    /// At most so many requests of one operation are under way.
    static let callsAtOnce = 8

    private let root: String
    private let call: Call

    init(tenant: String, database: String, call: @escaping Call) {
        root = "/api/v2/tenants/\(tenant)/databases/\(database)/collections"
        self.call = call
    }

    // MARK: Server

    /// - Returns: how many records one request may bring.
    func greatestBatch() async throws -> Int {
        struct Answer: Decodable {
            var max_batch_size: Int
        }
        return try await ask("GET", "/api/v2/pre-flight-checks", as: Answer.self).max_batch_size
    }

    // MARK: Collections

    struct Collection: Decodable {
        var id: String
        var name: String
        var metadata: [String: JSONValue]?
        var dimension: Int?
    }

    /// - Parameter isShared: It may be there already.
    func createCollection(
        _ name: String, metadata: [String: JSONValue], isShared: Bool = false
    ) async throws -> Collection {
        // Inner products: vectors are of length 1 and come back as they were put. Its graph is wider than by default,
        // which costs memory and finds what the default one misses.
        let hnsw: JSONValue = ["space": "ip", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32]
        let body: JSONValue = [
            "name": .string(name), "metadata": .object(metadata), "configuration": ["hnsw": hnsw],
            "get_or_create": .bool(isShared),
        ]
        return try await ask("POST", root, body, as: Collection.self)
    }

    /// nil: there is none of that name.
    func collection(_ name: String) async throws -> Collection? {
        try await found { try await ask("GET", "\(root)/\(name)", as: Collection.self) }
    }

    func collections() async throws -> [Collection] {
        try await ask("GET", "\(root)?limit=\(Self.mostCollections)", as: [Collection].self)
    }

    private static let mostCollections = 100_000

    /// One that is gone already is no error.
    func deleteCollection(_ name: String) async throws {
        _ = try await found { try await send("DELETE", "\(root)/\(name)", nil) }
    }

    // MARK: Records

    /// Adds records. One whose id is there already is left out, silently: the first one stays.
    func add(_ records: [ChromaRecord], to collection: String) async throws {
        let body: JSONValue = [
            "ids": .array(records.map { .string($0.id) }),
            "embeddings": .array(records.map { .string($0.vector) }),
            "metadatas": .array(records.map { .object($0.metadata) }),
        ]
        _ = try await send("POST", "\(root)/\(collection)/add", body)
    }

    func delete(ids: [String], from collection: String) async throws {
        for page in ids.pages(of: Self.page) {
            let body: JSONValue = ["ids": .array(page.map(JSONValue.string))]
            _ = try await found { try await send("POST", "\(root)/\(collection)/delete", body) }
        }
    }

    func delete(writes: [Int], from collection: String) async throws {
        guard !writes.isEmpty else { return }
        let body: JSONValue = ["where": Self.among("write", writes.map { .integer(Int64($0)) })]
        _ = try await found { try await send("POST", "\(root)/\(collection)/delete", body) }
    }

    struct Found<Metadata: Decodable & Sendable>: Decodable, Sendable {
        var ids: [String]
        var metadatas: [Metadata]?
        var embeddings: [[Float]]?
    }

    struct Nothing: Decodable, Sendable {}

    /// Those of the records that are there, in any order.
    func get<Metadata: Decodable & Sendable>(
        _ ids: [String], from collection: String, vectors: Bool = false, as type: Metadata.Type
    ) async throws -> Found<Metadata> {
        let pages = try await inOrder(ids.pages(of: Self.page), atOnce: Self.callsAtOnce) { page in
            try await self.get(
                ["ids": .array(page.map(JSONValue.string))], from: collection, vectors: vectors, as: type)
        }
        return Found(
            ids: pages.flatMap(\.ids), metadatas: pages.flatMap { $0.metadatas ?? [] },
            embeddings: pages.flatMap { $0.embeddings ?? [] })
    }

    /// - Parameter selection: `where`, `limit`.
    func get<Metadata: Decodable & Sendable>(
        _ selection: [String: JSONValue], from collection: String, vectors: Bool = false, as type: Metadata.Type
    ) async throws -> Found<Metadata> {
        var body = selection
        body["include"] = vectors ? ["metadatas", "embeddings"] : ["metadatas"]
        return try await ask("POST", "\(root)/\(collection)/get", .object(body), as: Found<Metadata>.self)
    }

    func ids(_ selection: [String: JSONValue], in collection: String) async throws -> [String] {
        var body = selection
        body["include"] = []
        return try await ask("POST", "\(root)/\(collection)/get", .object(body), as: Found<Nothing>.self).ids
    }

    /// The ids of the nearest records, the nearest first.
    func nearest(
        _ vector: [Float], atMost count: Int, where filter: JSONValue?, in collection: String
    ) async throws -> [String] {
        struct Answer: Decodable {
            var ids: [[String]]
        }
        var body: [String: JSONValue] = [
            "query_embeddings": [.array(vector.map { .number(Double($0)) })], "n_results": .integer(Int64(count)),
            "include": [],
        ]
        body["where"] = filter
        return try await ask("POST", "\(root)/\(collection)/query", .object(body), as: Answer.self).ids.first ?? []
    }

    static func among(_ key: String, _ values: [JSONValue], not: Bool = false) -> JSONValue {
        .object([key: .object([not ? "$nin" : "$in": .array(values)])])
    }

    /// Ids of one request.
    private static let page = 256

    // MARK: Requests

    private func ask<Answer: Decodable>(
        _ method: String, _ path: String, _ body: JSONValue? = nil, as type: Answer.Type
    ) async throws -> Answer {
        let answer = try await send(method, path, body)
        do {
            return try JSONDecoder().decode(type, from: Data(answer))
        } catch {
            throw KnowledgeError(.unavailable, "The Chroma server's answer cannot be read: \(error).")
        }
    }

    private func send(_ method: String, _ path: String, _ body: JSONValue?) async throws -> [UInt8] {
        try Task.checkCancellation()
        let reply: ChromaEngine.Reply
        do {
            reply = try await call(method, path, body.map { Array($0.text.utf8) })
        } catch let error as KnowledgeError {
            throw error
        } catch {
            try Task.checkCancellation()
            throw KnowledgeError(.unavailable, "The Chroma server cannot be reached: \(error).")
        }
        guard 200..<300 ~= reply.status else { throw Self.failure(reply) }
        return reply.body
    }

    private static func failure(_ reply: ChromaEngine.Reply) -> KnowledgeError {
        struct Failure: Decodable {
            var message: String
        }
        let said = (try? JSONDecoder().decode(Failure.self, from: Data(reply.body)))?.message
        let sentence = "The Chroma server answered \(reply.status)" + (said.map { ": \($0.prefix(200))" } ?? "") + "."
        return switch reply.status {
        case 404: KnowledgeError(.notFound, sentence)
        case 409: KnowledgeError(.alreadyExists, sentence)
        case 413: KnowledgeError(.tooLarge, sentence)
        case 429, 503: KnowledgeError(.overloaded, sentence)
        case 400, 422: KnowledgeError(.invalid, sentence)
        case 408, 502, 504: KnowledgeError(.unavailable, sentence)
        default: KnowledgeError(.failed, sentence)
        }
    }

    /// nil: there is no such collection.
    private func found<Answer>(_ body: () async throws -> Answer) async throws -> Answer? {
        do {
            return try await body()
        } catch let error as KnowledgeError where error.code == .notFound {
            return nil
        }
    }
}

extension Array {
    /// Pieces of at most `count` elements.
    func pages(of count: Int) -> [[Element]] {
        stride(from: 0, to: self.count, by: count).map { Array(self[$0..<Swift.min($0 + count, self.count)]) }
    }
}
