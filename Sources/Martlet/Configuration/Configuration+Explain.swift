import MartletBase
import MartletLogic
import MartletWorkers

extension Configuration {
    /// What `martlet check` prints for a valid file: a summary, then who serves what. Secrets show as `***`.
    package func explain() -> String {
        let targetCount = pools.reduce(0) { $0 + $1.targets.count }
        var counts = [Self.counted(pools.count, "pool"), Self.counted(targetCount, "target")]
        counts += [Self.counted(models.count, "model"), Self.counted(routes.count, "route")]
        if !workers.isEmpty { counts.append(Self.counted(workers.count, "app")) }
        if !backends.isEmpty { counts.append(Self.counted(backends.count, "backend")) }
        var lines = ["ok: " + counts.joined(separator: ", ")]
        lines += listen.map { "listen   \($0.address)\($0.tls == nil ? "" : " (TLS)")" }
        lines.append("console  " + (console.map(Self.line) ?? "off"))
        lines += routes.map { "route    " + line($0) }
        lines += models.map { "model    " + Self.line($0) }
        lines += pools.flatMap(Self.lines)
        lines += backends.map {
            "backend  \($0.name): \(Self.counted($0.instances, "instance")) of \($0.command.first ?? "")"
        }
        lines += workers.map {
            "app      \($0.name): what \($0.app) has, run by \($0.command?.joined(separator: " ") ?? $0.python)"
        }
        lines += unused.map { "note     \($0): nothing leads to it" }
        return lines.joined(separator: "\n")
    }

    /// Pools and backends that no request can reach, as `pool NAME` and `backend NAME`.
    package var unused: [String] {
        let used = Set(
            routes.compactMap(\.pool) + models.flatMap { $0.shares.map(\.pool) } + models.compactMap(\.fallback))
        let usedBackends = Set(
            pools.flatMap(\.targets).compactMap { target -> String? in
                if case .backend(let name) = target.location { name } else { nil }
            })
        return pools.filter { !used.contains($0.name) }.map { "pool \($0.name)" }
            + backends.filter { !usedBackends.contains($0.name) }.map { "backend \($0.name)" }
    }

    static func counted(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }

    private static func line(_ console: ConsoleConfiguration) -> String {
        "\(console.address)\(console.tls == nil ? "" : " (TLS)")" + (console.token.map { ", token \($0)" } ?? "")
    }

    private func line(_ route: RouteConfiguration) -> String {
        let goal = route.pool.map { "pool \($0)" } ?? "the model API"
        return "\(route.host ?? "")\(route.path) -> \(goal)" + (route.strip.map { ", without \($0)" } ?? "")
    }

    private static func line(_ model: ModelConfiguration) -> String {
        let shares =
            model.shares.count == 1
            ? model.shares[0].pool : model.shares.map { "\($0.pool) \($0.weight)" }.joined(separator: ", ")
        return "\(model.name) -> \(shares)" + (model.upstreamName.map { " as \($0)" } ?? "")
            + (model.fallback.map { ", else \($0)" } ?? "")
    }

    private static func lines(_ pool: PoolConfiguration) -> [String] {
        let lines = pool.targets.map { target in
            var words: [String] = []
            switch target.location {
            case .url(let url): words.append("\(url)")
            case .backend(let name): words.append("backend \(name)")
            }
            if target.policy.weight != 1 { words.append("weight \(target.policy.weight)") }
            if let limit = target.policy.maxInflight { words.append("at most \(limit) at a time") }
            if target.policy.isBackup { words.append("backup") }
            if let key = target.apiKey { words.append("api_key \(key)") }
            return "  target " + words.joined(separator: ", ")
        }
        return ["pool     \(pool.name): \(pool.policy.balance.rawValue)"] + lines
    }
}
