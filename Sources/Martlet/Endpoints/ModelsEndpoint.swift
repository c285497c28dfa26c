import MartletBase
import MartletExchange
import MartletNet
import MartletWire

/// `GET /v1/models` and `/v1/models/NAME`: what is configured; with `*`, also what its pools' targets list.
final class ModelsEndpoint: LocalHandler {
    private let table: ModelTable
    private let client: HTTPClient
    /// When this process began to serve: OpenAI's form wants a time of creation.
    private let created: Int
    private let lists = ModelLists()

    init(table: ModelTable, client: HTTPClient, created: Int) {
        self.table = table
        self.client = client
        self.created = created
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        var names = table.names
        if let wildcard = table.wildcard {
            let listed = await lists.names { await self.listed(by: wildcard.pools.map(\.pool)) }
            for name in listed where !names.contains(name) { names.append(name) }
        }
        if let name = request.modelName {
            guard names.contains(name) else {
                throw MartletError(.modelNotFound, cause: "the model `\(name)` does not exist")
            }
            return .json(entry(name))
        }
        return .json(#"{"object":"list","data":[\#(names.map(entry).joined(separator: ","))]}"#)
    }

    private func entry(_ name: String) -> String {
        #"{"id":\#(JSONText.quoted(name)),"object":"model","created":\#(created),"owned_by":"martlet"}"#
    }

    /// Names that the targets of `pools` list, each target asked once and briefly.
    private func listed(by pools: [Pool]) async -> [String] {
        await withTaskGroup(of: (Int, [String]).self) { group in
            for (index, target) in pools.flatMap(\.targets).enumerated() {
                group.addTask { (index, await self.ask(target)) }
            }
            var found: [(Int, [String])] = []
            for await answer in group { found.append(answer) }
            return found.sorted { $0.0 < $1.0 }.flatMap(\.1)
        }
    }

    private func ask(_ target: Target) async -> [String] {
        guard let address = target.address, let url = try? HTTPURL("\(target.origin)/v1/models"),
            let reply = try? await client.request(
                .get, url, headers: target.edits.fields, timeout: .seconds(2), at: address, tls: target.tls),
            reply.status == 200
        else { return [] }
        return ModelList.ids(in: reply.body)
    }
}

extension LocalRequest {
    /// `NAME` of `/v1/models/NAME`; nil for the list.
    fileprivate var modelName: String? {
        guard let range = path.firstRange(of: "/models/") else { return nil }
        let name = path[range.upperBound...]
        return name.isEmpty ? nil : String(name)
    }
}

/// What the targets listed, kept for a moment: one question from outside must not become one to every target.
private actor ModelLists {
    private static let lifetime: Duration = .seconds(5)
    private var current: (names: [String], until: ContinuousClock.Instant)?
    private var asking: Task<[String], Never>?

    func names(_ ask: @escaping @Sendable () async -> [String]) async -> [String] {
        if let current, current.until > .now { return current.names }
        if let asking { return await asking.value }
        let task = Task { await ask() }
        asking = task
        let names = await task.value
        asking = nil
        current = (names, .now + Self.lifetime)
        return names
    }
}
