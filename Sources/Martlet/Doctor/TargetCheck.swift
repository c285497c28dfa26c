import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletWire
import NIOCore

/// One address of a target: what came of asking it.
struct TargetFacts: Sendable, Equatable {
    enum Outcome: Sendable, Equatable {
        /// Its name has no address, or its TLS settings cannot be used.
        case unusable(String)
        /// No connection, or no answer on it.
        case unreachable(String)
        /// Asked for its health path.
        case answered(status: Int)
        /// Only dialled: so the pool checks it.
        case connected
    }
    /// `http://10.0.0.1:8000`, with its address where that is not the same.
    var name: String
    var outcome: Outcome
    var took: Duration
}

/// Asks targets as the pool's own checks do.
struct TargetProbe: Sendable {
    let resolver: NameResolver
    let client: HTTPClient

    /// One value for each address of the target's host.
    func look(at target: TargetConfiguration, _ url: UpstreamURL, _ health: HealthPolicy) async -> [TargetFacts] {
        let began = Instant.current
        do {
            let spec = try TargetSpec(target, origin: url.origin, UpstreamKeepAlive())
            let addresses = try await resolver.resolve(host: url.host, port: url.port)
            let isName = SocketAddress.literal(url.host, port: 0) == nil
            return await withTaskGroup(of: (Int, TargetFacts).self) { group in
                for (place, address) in addresses.enumerated() {
                    let name = isName ? "\(url) (\(address.ipAddress ?? ""))" : "\(url)"
                    group.addTask { (place, await ask(spec, at: address, name, health)) }
                }
                return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
            }
        } catch {
            let cause = (error as? MartletError)?.cause ?? "\(error)"
            return [TargetFacts(name: "\(url)", outcome: .unusable(cause), took: .current - began)]
        }
    }

    private func ask(
        _ spec: TargetSpec, at address: SocketAddress, _ name: String, _ health: HealthPolicy
    ) async -> TargetFacts {
        let began = Instant.current
        var outcome = TargetFacts.Outcome.connected
        if health.kind == .http {
            do {
                let reply = try await client.request(
                    .get, HTTPURL(origin: spec.origin, path: health.path), headers: spec.edits.fields,
                    timeout: health.timeout, maxBody: 64 << 10, at: address, tls: spec.tls)
                outcome = .answered(status: reply.status)
            } catch {
                outcome = .unreachable((error as? MartletError)?.cause ?? "\(error)")
            }
        } else if !(await client.connects(to: address, timeout: health.timeout)) {
            outcome = .unreachable("\(address.text) takes no connection within \(health.timeout.text)")
        }
        return TargetFacts(name: name, outcome: outcome, took: .current - began)
    }
}

enum TargetCheck {
    static func finding(_ pool: String, _ health: HealthPolicy, _ facts: TargetFacts) -> Finding {
        let check = "target \(facts.name)"
        let time = "\(max(1, facts.took.wholeNanoseconds / 1_000_000)) ms"
        switch facts.outcome {
        case .connected: return .ok(check, "connected in \(time)")
        case .unusable(let cause): return .failure(check, cause, remedy: "getent hosts \(host(facts.name))")
        case .unreachable(let cause):
            return .failure(check, cause, remedy: "start it, or: martlet target drain \(pool) \(url(facts.name))")
        case .answered(let status):
            let seen = "\(health.path) answered \(status) in \(time)"
            if (health.expect ?? 200...399).contains(status) { return .ok(check, seen) }
            if status == 404 {
                return .warning(
                    check, seen + ": only connecting will be checked",
                    remedy: "pools.\(pool).health: {path: one that it answers with 2xx}")
            }
            return .failure(check, seen, remedy: "curl -i \(url(facts.name))\(health.path)")
        }
    }

    private static func url(_ name: String) -> String { String(name.prefix { $0 != " " }) }

    /// Of `https://name:8000 (10.0.0.1)`.
    private static func host(_ name: String) -> String {
        UpstreamURL(text: url(name))?.host ?? name
    }
}
