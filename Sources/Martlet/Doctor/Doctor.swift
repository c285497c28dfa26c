import Foundation
import MartletBase
import MartletLogic
import MartletNet
import NIOCore
import NIOPosix

/// `martlet doctor`: looks at the machine, at what a configuration names, and at its targets; changes nothing.
package struct Doctor: Sendable {
    private let configuration: Configuration
    private let environment: [String: String]
    private let resolver: NameResolver
    private let client: HTTPClient
    private let start = ClockPair()

    /// - Parameter file: nil: what `martlet up` would serve without one.
    package static func examine(file: String?, environment: [String: String]) async -> Diagnosis {
        let demo = file == nil ? DemoModels(environment: environment) : nil
        let configuration: Configuration
        do {
            if let file {
                configuration = try Configuration.load(file: file, environment: environment)
            } else {
                configuration = try Configuration.embedded(demo?.backends ?? [], environment: environment)
            }
        } catch {
            return Diagnosis(findings: mistakes(error, file) + MachineChecks.findings(
                .read(cores: System.coreCount, since: ClockPair()), MachineNeeds()))
        }
        let resolver = NameResolver()
        let doctor = Doctor(
            configuration: configuration, environment: environment, resolver: resolver,
            client: HTTPClient(group: MultiThreadedEventLoopGroup.singleton, resolver: resolver))
        let findings = await doctor.findings(file: file, demo: demo)
        resolver.shutdown()
        return Diagnosis(findings: findings)
    }

    private static func mistakes(_ error: ConfigurationError, _ file: String?) -> [Finding] {
        error.problems.map { problem in
            .failure("configuration", "\(problem)", remedy: "martlet check \(file ?? "")")
        }
    }

    private init(
        configuration: Configuration, environment: [String: String], resolver: NameResolver, client: HTTPClient
    ) {
        self.configuration = configuration
        self.environment = environment
        self.resolver = resolver
        self.client = client
    }

    private func findings(file: String?, demo: DemoModels?) async -> [Finding] {
        let targets = await targets()
        let addresses = await addresses()
        let facts = MachineFacts.read(cores: System.coreCount, since: start)
        return read(file, demo) + MachineChecks.findings(facts, MachineNeeds(configuration)) + places()
            + certificates(now: Int(facts.clockSeconds)) + addresses + [AddressCheck.console(configuration.console)]
            + CommandCheck.findings(configuration.backends, environment: environment) + targets
    }

    // MARK: What the configuration names

    private func read(_ file: String?, _ demo: DemoModels?) -> [Finding] {
        if let demo {
            guard demo.backends.isEmpty else { return [.ok("configuration", "none: the demo models")] }
            return [
                .warning("configuration", "none, and the demo models are not installed", remedy: "./martlet up"),
                CommandCheck.python(environment: environment),
            ]
        }
        let targets = configuration.pools.reduce(0) { $0 + $1.targets.count }
        let counts = [(configuration.pools.count, "pool"), (targets, "target")].map(Configuration.counted)
        return [.ok("configuration", "\(file ?? "") is valid: \(counts.joined(separator: ", "))")]
            + configuration.unused.map {
                .warning($0, "nothing leads to it", remedy: "name it in `models`, `routes` or a pool's targets")
            }
    }

    private func places() -> [Finding] {
        var findings: [Finding] = []
        if case .file(let path) = configuration.accessLog {
            findings.append(PlaceCheck.finding("access_log", path, PlaceFacts(file: path)))
        }
        for (key, address, _) in configuration.listeners {
            guard case .unix(let path) = address else { continue }
            findings.append(PlaceCheck.finding("\(key) socket", path, PlaceFacts(file: path)))
        }
        if let folder = configuration.stateFolder {
            findings.append(PlaceCheck.finding("state", folder, PlaceFacts(futureFolder: folder), isNeeded: false))
        }
        let folder = FileManager.default.temporaryDirectory.path
        findings.append(PlaceCheck.finding("temporary files", folder, PlaceFacts(folder: folder), isNeeded: false))
        return findings
    }

    private func certificates(now: Int) -> [Finding] {
        let servers = configuration.listeners.compactMap { key, _, tls in
            tls.map { CertificateCheck.finding("\(key) tls", $0.certificate, CertificateFacts($0), now: now) }
        }
        let authorities = configuration.pools.flatMap { pool in
            Set(pool.targets.compactMap(\.tls.ca)).sorted().map {
                CertificateCheck.finding("pools.\(pool.name) ca", $0, CertificateFacts(authorities: $0), now: now)
            }
        }
        return servers + authorities
    }

    private func addresses() async -> [Finding] {
        let probe = AddressProbe(resolver: resolver, client: client)
        var findings: [Finding] = []
        for (key, address, tls) in configuration.listeners {
            let facts = await probe.look(at: address, isTLS: tls != nil)
            findings.append(AddressCheck.finding(key, address, facts))
        }
        return findings
    }

    private func targets() async -> [Finding] {
        let probe = TargetProbe(resolver: resolver, client: client)
        return await withTaskGroup(of: (Int, [Finding]).self) { group in
            let all = configuration.pools.flatMap { pool in pool.targets.map { (pool, $0) } }
            for (place, (pool, target)) in all.enumerated() {
                guard case .url(let url) = target.location else { continue }
                group.addTask {
                    let facts = await probe.look(at: target, url, pool.policy.health)
                    return (place, facts.map { TargetCheck.finding(pool.name, pool.policy.health, $0) })
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.flatMap(\.1)
        }
    }
}

extension Configuration {
    /// Every address to listen on, by its key.
    fileprivate var listeners: [(key: String, address: ListenAddress, tls: TLSServerConfiguration?)] {
        let publics = listen.enumerated().map { index, listener in
            (listen.count == 1 ? "listen" : "listen[\(index)]", listener.address, listener.tls)
        }
        return publics + (console.map { [("console", $0.address, $0.tls)] } ?? [])
    }
}

extension MachineNeeds {
    fileprivate init(_ configuration: Configuration) {
        if case .count(let count) = configuration.limits.openFiles { openFiles = count }
        buffered = configuration.limits.buffered
        threads = configuration.threads
        ports = configuration.listeners.compactMap { _, address, _ in
            if case .tcp(_, let port) = address, port > 0 { port } else { nil }
        }
    }
}
