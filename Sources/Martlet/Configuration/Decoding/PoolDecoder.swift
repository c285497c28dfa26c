import MartletBase
import MartletLogic

/// Decodes `pools`.
struct PoolDecoder {
    let references: References

    func pools(in root: Section) -> [PoolConfiguration] {
        let sections = root.namedSections("pools")
        if root.has("pools"), sections.isEmpty { root.refuse("must hold at least one pool", at: "pools") }
        return sections.map { pool($0.name, $0.section) }
    }

    private func pool(_ name: String, _ section: Section) -> PoolConfiguration {
        checkName(name, section)
        var policy = PoolPolicy()
        policy.balance = section.choice("balance", BalancePolicy.self) ?? policy.balance
        policy.limit = section.choice("limit", LimitPolicy.self) ?? policy.limit
        policy.hash = hash(section.section("hash"))
        policy.timeouts = SharedDecoder.timeouts(section).applied(to: policy.timeouts)
        policy.retry = SharedDecoder.retry(section).applied(to: policy.retry)
        policy.queue = SharedDecoder.queue(section)
        policy.health = health(section.section("health"))
        policy.breaker = section.item("breaker")?.node.isOff == true ? nil : breaker(section.section("breaker"))
        var keepalive = UpstreamKeepalive()
        let idle = section.section("keepalive")
        keepalive.idle = idle.duration("idle") ?? keepalive.idle
        keepalive.connections = idle.count("connections", in: SettingRange.countOrNone) ?? keepalive.connections
        return PoolConfiguration(name: name, policy: policy, targets: targets(section), keepalive: keepalive)
    }

    private func checkName(_ name: String, _ section: Section) {
        let isWord = name.utf8.allSatisfy { isDigit($0) || isLetter($0) || "_-.".utf8.contains($0) }
        if name.isEmpty || !isWord || name.utf8.count > 100 {
            section.refuse("a pool's name must be letters, digits, `-`, `_` and `.`")
        }
    }

    private func hash(_ section: Section) -> HashPolicy {
        var policy = HashPolicy()
        policy.key =
            section.value("key", "must be client, path or header:NAME") { text -> HashPolicy.Key? in
                switch text {
                case "client": return .client
                case "path": return .path
                default:
                    let name = text.dropFirst("header:".count)
                    return text.hasPrefix("header:") && HeaderText.isName(name) ? .header(String(name)) : nil
                }
            } ?? policy.key
        policy.bound = section.ratio("bound", in: 1...1000) ?? policy.bound
        return policy
    }

    private func health(_ section: Section) -> HealthPolicy {
        var policy = HealthPolicy()
        policy.kind = section.choice("type", HealthPolicy.Kind.self) ?? policy.kind
        policy.path = SharedDecoder.requestPath("path", in: section) ?? policy.path
        policy.expect = section.value(
            "expect", "must be a status such as 200, or a range such as 200-399", Self.statuses)
        if policy.expect == 200...399 { policy.expect = nil }
        policy.interval = section.duration("interval") ?? policy.interval
        policy.timeout = section.duration("timeout") ?? policy.timeout
        policy.healthy = section.count("healthy", in: 1...1000) ?? policy.healthy
        policy.unhealthy = section.count("unhealthy", in: 1...1000) ?? policy.unhealthy
        return policy
    }

    private static func statuses(_ text: String) -> ClosedRange<Int>? {
        let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map {
            Section.wholeNumber(String($0))
        }
        guard let first = bounds.first, let low = first, bounds.count <= 2, let last = bounds.last, let high = last,
            (100...599).contains(low), (low...599).contains(high)
        else { return nil }
        return low...high
    }

    private func breaker(_ section: Section) -> BreakerPolicy {
        var policy = BreakerPolicy()
        policy.failures = section.ratio("failures", in: 0.01...1) ?? policy.failures
        policy.window = section.duration("window") ?? policy.window
        policy.minimum = section.count("minimum", in: SettingRange.count) ?? policy.minimum
        policy.open = section.duration("open") ?? policy.open
        return policy
    }

    // MARK: - Targets

    private func targets(_ pool: Section) -> [TargetConfiguration] {
        let sections = pool.sections("targets")
        let targets = sections.compactMap(target)
        let written = pool.list("targets").count
        pool.require("targets")
        if written == 0 {
            pool.refuse("must hold at least one target", at: "targets")
        } else if targets.count == written, targets.allSatisfy(\.policy.isBackup) {
            pool.refuse("must hold at least one target that is no backup", at: "targets")
        }
        return targets
    }

    private func target(_ section: Section) -> TargetConfiguration? {
        let location = location(section)
        var policy = TargetPolicy()
        policy.weight = section.count("weight", in: 1...65_535) ?? policy.weight
        policy.maxFails = section.count("max_fails", in: SettingRange.countOrNone) ?? policy.maxFails
        policy.failTimeout = section.duration("fail_timeout") ?? policy.failTimeout
        policy.isBackup = section.flag("backup") ?? policy.isBackup
        policy.maxInflight = section.count("max_inflight", in: SettingRange.count, or: "off")
        policy.slowStart = section.duration("slow_start", in: SettingRange.pause) ?? policy.slowStart
        let headers = SharedDecoder.headers("headers", in: section)
        let apiKey = section.token("api_key")
        let host = SharedDecoder.hostRule("host", in: section) ?? .target
        let version = section.text("version")
        let tls = tls(section, location)
        return location.map {
            TargetConfiguration(
                location: $0, policy: policy, headers: headers, apiKey: apiKey, host: host, version: version, tls: tls)
        }
    }

    private func location(_ section: Section) -> TargetConfiguration.Location? {
        switch (section.has("url"), section.has("backend")) {
        case (true, true):
            section.refuse("has both a `url` and a `backend`")
            return nil
        case (false, false):
            section.refuse("needs a `url` or a `backend`")
            return nil
        case (false, true):
            guard let name = section.text("backend"), let item = section.item("backend") else { return nil }
            references.use(.backend, name, at: item)
            return .backend(name)
        case (true, false):
            return url(section).map { .url($0) }
        }
    }

    private func url(_ section: Section) -> UpstreamURL? {
        guard let item = section.item("url") else { return nil }
        if let text = item.node.text, text.contains("@") {
            section.refuse("must hold no user or password; an `api_key` or `headers` can", at: item)
            return nil
        }
        return section.value(item, UpstreamURL.form) { UpstreamURL(text: $0) }
    }

    private func tls(_ section: Section, _ location: TargetConfiguration.Location?) -> TLSClientConfiguration {
        var tls = TLSClientConfiguration()
        guard let keys = section.optionalSection("tls") else { return tls }
        tls.verify = keys.flag("verify") ?? tls.verify
        tls.ca = keys.text("ca")
        tls.serverName = keys.value("server_name", "must be a host name") { Authority.isName($0) ? $0 : nil }
        if case .url(let url) = location, url.isTLS { return tls }
        if location != nil { keys.refuse("needs a `url` that begins with https://") }
        return tls
    }
}
