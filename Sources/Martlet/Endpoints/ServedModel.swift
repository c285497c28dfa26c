import MartletBase
import MartletExchange
import MartletNet
import MartletWire
import NIOCore

/// An API as a model that has a name: what inference protocols and assistants call.
struct ServedModel: Sendable {
    /// The name that lists show; unique.
    let name: String
    /// Others that mean the same.
    let aliases: [String]
    let api: APIDescription
    let route: Route
    let pool: Pool
    /// Members of the body that are one value and no list, by the schema.
    let plainInputs: Set<String>

    /// Others that come before it have all its names.
    var isRenamed = false

    var version: String { api.version }
    var isReady: Bool { pool.isUsable(now: .current) }

    /// The models among what is served.
    static func all(_ apis: [APIDescription], routes: [Route], pools: [Pool]) -> [ServedModel] {
        let stated = Set(apis.flatMap(\.modelNames))
        var taken: Set<String> = []
        return apis.compactMap { api in
            guard let first = api.modelNames.first, let pool = pools.first(where: { $0.name == api.name }),
                let route = routes.first(where: { $0.leads(to: pool) })
            else { return nil }
            let own = api.modelNames.first { !taken.contains($0) }
            var (name, number) = (own ?? "\(first)_2", 2)
            while own == nil, taken.contains(name) || stated.contains(name) {
                number += 1
                name = "\(first)_\(number)"
            }
            taken.formUnion(api.modelNames + [name])
            return ServedModel(
                name: name, aliases: api.modelNames, api: api, route: route, pool: pool,
                plainInputs: plainInputs(api.requestSchema), isRenamed: own == nil)
        }
    }

    private static func plainInputs(_ schema: JSONValue?) -> Set<String> {
        guard case .object(let members)? = schema?["properties"] else { return [] }
        return Set(
            members.filter { member in
                guard case .string(let type)? = member.value["type"] else { return false }
                return ["string", "number", "integer", "boolean"].contains(type)
            }
            .keys)
    }
}

extension Route {
    fileprivate func leads(to pool: Pool) -> Bool {
        if case .pool(let own) = destination { own === pool } else { false }
    }
}

extension LocalRequest {
    private static let dropped: FieldSet = FieldSet.hopByHop.union(.framing).union([
        .contentType, .contentEncoding, .accept, .acceptEncoding, .origin,
        // Who forwarded it, for whom, is never the client's to say.
        .forwarded, .xForwardedFor, .xForwardedHost, .xForwardedPort, .xForwardedProto, .xRealIP, .xRequestID,
    ])

    /// The request for `model` that this one means: as any client would ask, with the fields of this one, its keys
    /// among them.
    func asking(_ model: ServedModel, _ body: ByteBuffer) -> LocalRequest { asking(at: model.api.path, body) }

    /// The same, for whatever is at `path`.
    func asking(at path: String, _ body: ByteBuffer) -> LocalRequest {
        var inner = self
        inner.method = .post
        inner.path = path
        inner.query = ""
        inner.headers = HeaderBlock()
        for field in headers.fields where !Self.dropped.contains(field.name) {
            inner.headers.append(field, from: headers)
        }
        inner.headers.append(.contentType, "application/json")
        inner.body = body
        return inner
    }
}
