import MartletBase
import MartletExchange
import MartletNet
import MartletWire
import MartletWorkers
import NIOCore

/// An API of workers as a model that has a name: what inference protocols and assistants call.
struct ServedModel: Sendable {
    /// The name that lists show; unique.
    let name: String
    /// Others that mean the same.
    let aliases: [String]
    /// Of its code or its model; never empty.
    let version: String
    let api: WorkerAPI
    let route: Route
    let pool: Pool
    /// Whether its app offers its APIs to assistants.
    let isTool: Bool
    /// Members of the body that are one value and no list, by the schema.
    let plainInputs: Set<String>

    var isReady: Bool { pool.isUsable(now: .current) }

    /// The models among what is served: APIs that are asked with POST at one path of their own.
    static func all(_ served: [ServedAPI], routes: [Route], pools: [Pool]) -> [ServedModel] {
        var taken: Set<String> = []
        return served.compactMap { api in
            guard !api.api.path.hasSuffix("*"), api.api.methods.isEmpty || api.api.methods.contains("POST"),
                let pool = pools.first(where: { $0.name == api.name }),
                let route = routes.first(where: { $0.leads(to: pool) })
            else { return nil }
            let names = api.modelNames
            let name = names.first { !taken.contains($0) } ?? api.name
            taken.formUnion(names)
            return ServedModel(
                name: name, aliases: names, version: api.app.version.isEmpty ? "1" : api.app.version, api: api.api,
                route: route, pool: pool, isTool: api.app.configuration.isToolForAssistants,
                plainInputs: plainInputs(api.api.requestSchema))
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

extension ServedAPI {
    /// What a model may be called: like the file of the app that has no other, like its path, or in full.
    fileprivate var modelNames: [String] {
        let path = self.path.split(separator: "/").joined(separator: "/")
        let file = app.configuration.name.split(separator: "/").last.map(String.init) ?? app.configuration.name
        let stem = file.hasSuffix(".py") ? String(file.dropLast(3)) : file
        let names = name == app.configuration.name ? [stem, path, name] : [path, name]
        var seen: Set<String> = []
        return names.filter { !$0.isEmpty && seen.insert($0).inserted }
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
    func asking(_ model: ServedModel, _ body: ByteBuffer) -> LocalRequest {
        var inner = self
        inner.method = .post
        inner.path = model.api.path
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
