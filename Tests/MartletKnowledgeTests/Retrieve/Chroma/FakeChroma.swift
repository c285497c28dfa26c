import Foundation
import MartletKnowledge
import MartletWire
import Synchronization

/// A Chroma server in memory, as far as Martlet uses one: what is asked of it otherwise is answered by 422.
final class FakeChroma: Sendable {
    static let root = "/api/v2/tenants/default_tenant/databases/default_database/collections"

    struct Request: Sendable {
        var method: String
        /// Behind the collections' path; the collection is its first part.
        var path: String
        var body: JSONValue

        /// `add`, `get`, `query`, `delete`; a collection's own requests have none.
        var operation: String? { path.split(separator: "/").dropFirst().first.map { String($0) } }
        var collection: String { path.split(separator: "/").first.map { String($0) } ?? "" }
    }

    struct Lost: Error {}

    private struct Record {
        var id: String
        var vector: [Float]
        var metadata: JSONValue
    }

    private struct Collection {
        var id: String
        var name: String
        var metadata: JSONValue
        var records: [Record] = []
    }

    private struct State {
        var collections: [Collection] = []
        var made = 0
        var requests: [Request] = []
        /// Answers in the place of the server's, while it is not nil.
        var instead: (@Sendable (Request) throws -> ChromaEngine.Reply?)?
        /// Whose answers are lost on their way.
        var lost: (@Sendable (Request) -> Bool)?
    }

    private let state = Mutex(State())

    var requests: [Request] { state.withLock { $0.requests } }
    func forgetRequests() { state.withLock { $0.requests = [] } }
    func answer(_ instead: (@Sendable (Request) throws -> ChromaEngine.Reply?)?) {
        state.withLock { $0.instead = instead }
    }

    func lose(_ lost: (@Sendable (Request) -> Bool)?) { state.withLock { $0.lost = lost } }

    /// Ids of all records of the collections whose names end so.
    func ids(_ suffix: String) -> [String] {
        state.withLock { $0.collections.filter { $0.name.hasSuffix(suffix) }.flatMap { $0.records.map(\.id) } }
    }

    var names: [String] { state.withLock { $0.collections.map(\.name) } }

    /// What is known of all collections, by their names.
    var metadata: [String: JSONValue] {
        state.withLock { Dictionary(uniqueKeysWithValues: $0.collections.map { ($0.name, $0.metadata) }) }
    }

    var call: ChromaEngine.Call {
        { method, path, body in
            // Somewhere else for a moment, as with a server.
            await Task.yield()
            try Task.checkCancellation()
            if path == "/api/v2/pre-flight-checks" { return Self.ok(["max_batch_size": 100]) }
            guard path.hasPrefix(Self.root) else { return Self.no(404, path) }
            let value = try body.map { try JSONDecoder().decode(JSONValue.self, from: Data($0)) } ?? .null
            let request = Request(method: method, path: String(path.dropFirst(Self.root.count)), body: value)
            return try self.state.withLock { state in
                state.requests.append(request)
                if let reply = try state.instead?(request) { return reply }
                let reply = Self.answer(request, &state)
                if state.lost?(request) ?? false { throw Lost() }
                return reply
            }
        }
    }

    private static func answer(_ request: Request, _ state: inout State) -> ChromaEngine.Reply {
        if request.path.isEmpty || request.path.hasPrefix("?") {
            guard request.method == "POST" else { return ok(.array(state.collections.map(told))) }
            return create(request.body, &state)
        }
        let place = state.collections.firstIndex { [$0.id, $0.name].contains(request.collection) }
        guard let place else { return no(404, "Collection [\(request.collection)] does not exist") }
        switch (request.method, request.operation) {
        case ("GET", nil): return ok(told(state.collections[place]))
        case ("DELETE", nil):
            state.collections.remove(at: place)
            return ok([:])
        case ("POST", "add"): return add(request.body, to: &state.collections[place])
        case ("POST", "get"): return ok(told(found(request.body, in: state.collections[place]), request.body))
        case ("POST", "query"): return query(request.body, in: state.collections[place])
        case ("POST", "delete"):
            let gone = Set(found(request.body, in: state.collections[place]).map(\.id))
            state.collections[place].records.removeAll { gone.contains($0.id) }
            return ok(["deleted": .integer(Int64(gone.count))])
        default: return no(422, "\(request.method) \(request.path)")
        }
    }

    private static func create(_ body: JSONValue, _ state: inout State) -> ChromaEngine.Reply {
        let name = text(body["name"])
        if let there = state.collections.first(where: { $0.name == name }) {
            return body["get_or_create"] == true ? ok(told(there)) : no(409, "Collection [\(name)] already exists")
        }
        state.made += 1
        let made = Collection(id: "id-\(state.made)", name: name, metadata: body["metadata"] ?? .null)
        state.collections.append(made)
        return ok(told(made))
    }

    private static func add(_ body: JSONValue, to collection: inout Collection) -> ChromaEngine.Reply {
        let (ids, vectors) = (list(body["ids"]).map { text($0) }, list(body["embeddings"]).map { text($0) })
        let metadatas = list(body["metadatas"])
        let there = Set(collection.records.map(\.id))
        for (index, id) in ids.enumerated() where !there.contains(id) {
            collection.records.append(
                Record(id: id, vector: floats(vectors[index]), metadata: metadatas[index]))
        }
        return ChromaEngine.Reply(status: 201, body: Array("{}".utf8))
    }

    private static func query(_ body: JSONValue, in collection: Collection) -> ChromaEngine.Reply {
        let vector = list(list(body["query_embeddings"]).first).map { Float(number($0)) }
        let all = found(body, in: collection)
        guard all.allSatisfy({ $0.vector.count == vector.count }) else { return no(400, "dimensions") }
        let sorted = all.map { record in
            (record: record, dot: zip(record.vector, vector).reduce(0) { $0 + $1.0 * $1.1 })
        }.sorted { $0.dot > $1.dot }
        return ok(["ids": [.array(sorted.prefix(Int(number(body["n_results"]))).map { .string($0.record.id) })]])
    }

    private static func found(_ body: JSONValue, in collection: Collection) -> [Record] {
        let ids = body["ids"].map { Set(list($0).map { text($0) }) }
        var records = collection.records.filter { record in
            (ids?.contains(record.id) ?? true) && (body["where"].map { fits(record.metadata, $0) } ?? true)
        }
        if let limit = body["limit"] { records = Array(records.prefix(Int(number(limit)))) }
        return records
    }

    private static func fits(_ metadata: JSONValue, _ filter: JSONValue) -> Bool {
        guard case .object(let keys) = filter else { return false }
        return keys.allSatisfy { key, condition in
            if key == "$and" { return list(condition).allSatisfy { fits(metadata, $0) } }
            guard let value = metadata[key], case .object(let operators) = condition else { return false }
            return operators.allSatisfy { name, other in
                switch name {
                case "$in": list(other).contains(value)
                case "$nin": !list(other).contains(value)
                case "$contains": list(value).contains(other)
                case "$lt": number(value) < number(other)
                default: false
                }
            }
        }
    }

    // MARK: JSON

    private static func told(_ collection: Collection) -> JSONValue {
        ["id": .string(collection.id), "name": .string(collection.name), "metadata": collection.metadata]
    }

    private static func told(_ records: [Record], _ body: JSONValue) -> JSONValue {
        var reply: JSONValue = ["ids": .array(records.map { .string($0.id) })]
        let include = list(body["include"])
        reply["metadatas"] = include.contains("metadatas") ? .array(records.map(\.metadata)) : .null
        let vectors = records.map { JSONValue.array($0.vector.map { .number(Double($0)) }) }
        reply["embeddings"] = include.contains("embeddings") ? .array(vectors) : .null
        return reply
    }

    private static func ok(_ value: JSONValue) -> ChromaEngine.Reply {
        ChromaEngine.Reply(status: 200, body: Array(value.text.utf8))
    }

    static func no(_ status: Int, _ message: String) -> ChromaEngine.Reply {
        ChromaEngine.Reply(
            status: status, body: Array((["error": "Error", "message": .string(message)] as JSONValue).text.utf8))
    }

    static func text(_ value: JSONValue?) -> String {
        if case .string(let text)? = value { text } else { "" }
    }

    static func list(_ value: JSONValue?) -> [JSONValue] {
        if case .array(let values)? = value { values } else { [] }
    }

    static func number(_ value: JSONValue?) -> Double {
        switch value {
        case .integer(let number)?: Double(number)
        case .number(let number)?: number
        default: .nan
        }
    }

    private static func floats(_ base64: String) -> [Float] {
        let bytes = Array(Data(base64Encoded: base64) ?? Data())
        return stride(from: 0, to: bytes.count, by: 4).map { start in
            Float(bitPattern: bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
        }
    }
}
