import MartletBase
import MartletNet
import MartletWorkers

/// Decodes the root of a configuration. Whatever is wrong goes on the list of problems; the value that comes back means
/// something only when that list is empty.
struct ConfigurationDecoder {
    let root: Section
    /// Without a file: the backends that stand for its `backends`. Then there may be nothing to serve.
    var embedded: [BackendSpec]?

    func decode() -> Configuration {
        let references = References()
        var configuration = Configuration(
            listen: listeners(), console: console(), pools: PoolDecoder(references: references).pools(in: root),
            models: RouteDecoder(references: references).models(in: root),
            routes: RouteDecoder(references: references).routes(in: root),
            backends: embedded ?? BackendDecoder().backends(in: root))
        configuration.workers = WorkersDecoder().workers(in: root)
        configuration.tasks = TasksDecoder().tasks(in: root)
        configuration.knowledge = KnowledgeDecoder().knowledge(in: root, models: configuration.models)
        configuration.ollama = OllamaDecoder().ollama(in: root, models: configuration.models)
        checkNames(configuration)
        configuration.threads = root.count("threads", in: 1...1024, or: "auto")
        configuration.limits = limits(root.section("limits"))
        configuration.trustedProxies = addresses("trusted_proxies", in: root)
        if let item = root.item("state") { configuration.stateFolder = item.node.isOff ? nil : root.text(item) }
        configuration.accessLog = root.text("access_log").map(accessLog) ?? .off
        if let item = root.section("streaming").item("heartbeat") {
            configuration.streaming.heartbeat =
                item.node.isOff ? nil : root.duration(item, in: .milliseconds(100) ... .seconds(3600))
        }
        checkAddresses(configuration)
        references.check(configuration, root.context.problems)
        if embedded == nil || !configuration.pools.isEmpty { DefaultRoutes(root: root).complete(&configuration) }
        return configuration
    }

    /// An app has a pool and a backend of its own name.
    private func checkNames(_ configuration: Configuration) {
        let taken = Set(configuration.pools.map(\.name) + configuration.backends.map(\.name))
        for workers in configuration.workers where taken.contains(workers.name) {
            root.refuse("has `\(workers.name)`, which a pool or a backend is called already", at: "workers")
        }
    }

    private func accessLog(_ text: String) -> AccessLogConfiguration {
        switch text.lowercased() {
        case "off", "no", "false": .off
        case "stdout": .standardOutput
        case "stderr": .standardError
        default: .file(text)
        }
    }

    // MARK: - Addresses

    private func listeners() -> [ListenConfiguration] {
        guard root.has("listen") else {
            return [ListenConfiguration(address: .tcp(host: "127.0.0.1", port: 8080))]
        }
        let sections = root.sections("listen", allowsOne: true)
        if sections.isEmpty { root.refuse("must name at least one address", at: "listen") }
        return sections.compactMap { section in
            let tls = SharedDecoder.serverTLS(section)
            section.require("address")
            return address(in: section).map { ListenConfiguration(address: $0, tls: tls) }
        }
    }

    private func address(in section: Section) -> ListenAddress? {
        section.value("address", "must be HOST:PORT (0.0.0.0:PORT for every IPv4 address) or unix:/PATH") {
            ListenAddress(text: $0)
        }
    }

    private func console() -> ConsoleConfiguration? {
        var console = ConsoleConfiguration(address: .tcp(host: "127.0.0.1", port: 8081))
        if root.item("console")?.node.isOff == true { return nil }
        let section = root.section("console")
        let hasAddress = section.has("address")
        console.address = address(in: section) ?? console.address
        console.token = section.token("token")
        let asksForTLS = section.has("tls")
        console.tls = SharedDecoder.serverTLS(section)
        let isSafe = section.has("token") && asksForTLS
        if hasAddress, !console.address.isLoopback, !isSafe {
            section.refuse("needs `token` and `tls` to be reachable from other machines", at: "address")
        }
        return console
    }

    private func checkAddresses(_ configuration: Configuration) {
        var seen: Set<ListenAddress> = []
        for listener in configuration.listen
        where !seen.insert(listener.address).inserted && !isAnyPort(listener.address) {
            root.refuse("names \(listener.address) twice", at: "listen")
        }
        if let console = configuration.console, seen.contains(console.address), !isAnyPort(console.address) {
            root.refuse("uses \(console.address), which `listen` has already", at: "console")
        }
    }

    private func isAnyPort(_ address: ListenAddress) -> Bool {
        if case .tcp(_, 0) = address { true } else { false }
    }

    // MARK: - Limits

    private func limits(_ section: Section) -> LimitsConfiguration {
        var limits = LimitsConfiguration()
        limits.openFiles = section.count("open_files", in: 64...Int(Int32.max), or: "max").map { .count($0) } ?? .max
        limits.body = section.size("body", in: 1...(1 << 40)) ?? limits.body
        limits.buffered = section.size("buffered", in: (1 << 20)...(1 << 44)) ?? limits.buffered
        limits.headerTimeout = section.duration("header_timeout") ?? limits.headerTimeout
        limits.bodyRate = section.size("body_rate", in: 0...(1 << 40)) ?? limits.bodyRate
        limits.bodyGrace = section.duration("body_grace", in: SettingRange.pause) ?? limits.bodyGrace
        limits.keepalive = section.duration("keepalive", in: SettingRange.pause) ?? limits.keepalive
        limits.keepaliveRequests = section.count("keepalive_requests", in: 1...Int(Int32.max), or: "off")
        limits.slowReader = section.duration("slow_reader") ?? limits.slowReader
        limits.drain = section.duration("drain", in: SettingRange.pause) ?? limits.drain
        if section.has("connections_per_client") {
            limits.connectionsPerClient = section.count("connections_per_client", in: 1...Int(Int32.max), or: "off")
        }
        if section.has("connection_rate") {
            limits.connectionRate = section.count("connection_rate", in: 1...1_000_000, or: "off")
        }
        if let item = section.item("exempt_clients") {
            let isLoopback = item.node.text == "loopback"
            limits.exemptClients =
                item.node.isOff ? [] : isLoopback ? AddressRange.loopback : addresses("exempt_clients", in: section)
        }
        return limits
    }

    private func addresses(_ key: String, in section: Section) -> [AddressRange] {
        section.list(key, allowsOne: true).compactMap { item in
            section.value(item, "must be an address or a block such as 10.0.0.0/8") { AddressRange(text: $0) }
        }
    }
}
