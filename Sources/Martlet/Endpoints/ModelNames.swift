import MartletBase
import MartletExchange
import MartletNet
import MartletWire

/// The names that the model API answers to: what is configured; with `*`, also what its pools' targets list.
final class ModelNames: Sendable {
    private let table: ModelTable
    private let client: HTTPClient
    private let lists = ModelLists()

    init(_ table: ModelTable, client: HTTPClient) {
        self.table = table
        self.client = client
    }

    /// Whether names that are not listed may mean something as well.
    var isOpen: Bool { table.wildcard != nil }

    /// In the order of the file; what targets list comes last.
    func all() async -> [String] {
        var names = table.names
        if let wildcard = table.wildcard {
            let listed = await lists.names { await self.listed(by: wildcard.pools.map(\.pool)) }
            for name in listed where !names.contains(name) { names.append(name) }
        }
        return names
    }

    /// Of those of the file, the ones that some target would answer for at once.
    func usable() -> [String] {
        table.names.filter { name in
            table.named[name]?.pools.contains { $0.pool.isUsable(now: .current) } == true
        }
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
