import MartletBase

/// Decodes `routes` and `models`.
struct RouteDecoder {
    let references: References

    // MARK: - Routes

    func routes(in root: Section) -> [RouteConfiguration] {
        if root.has("routes"), root.list("routes").isEmpty { root.refuse("must hold at least one route", at: "routes") }
        var seen: Set<String> = []
        return root.sections("routes").compactMap { section in
            guard let route = route(section) else { return nil }
            if !seen.insert("\(route.host ?? "") \(route.path)").inserted {
                section.refuse("has the path and host of an earlier route")
            }
            return route
        }
    }

    private func route(_ section: Section) -> RouteConfiguration? {
        section.require("path")
        let path = section.value("path", "must be a path that begins with / and holds no ? or #") { text in
            text.hasPrefix("/") && SharedDecoder.isVisible(text) && !text.contains { "?#".contains($0) } ? text : nil
        }
        let pool = poolName("pool", in: section)
        var route = RouteConfiguration(path: path ?? "/", pool: pool, api: section.has("pool") ? .plain : .openai)
        route.host = section.value("host", "must be a host name without a port, or *.NAME", Self.host)
        route.strip = path.flatMap { strip(section, path: $0) }
        route.headers = SharedDecoder.headers("headers", in: section)
        route.responseHeaders = SharedDecoder.headers("response_headers", in: section)
        route.hostHeader = SharedDecoder.hostRule("host_header", in: section)
        let classes = Section.alternatives(PriorityClass.allCases.map(\.text))
        route.priority = section.value("priority", "must be \(classes)") { PriorityClass(text: $0) } ?? route.priority
        route.body = section.size("body", in: 1...(1 << 40))
        route.timeouts = SharedDecoder.timeouts(section)
        route.retry = SharedDecoder.retry(section)
        route.isLogged = section.flag("access_log") ?? true
        route.replies = replies(section.section("cache"), hasPool: section.has("pool"))
        route.api = section.choice("api", RouteConfiguration.API.self) ?? route.api
        return path == nil ? nil : route
    }

    private func replies(_ section: Section, hasPool: Bool) -> ReplyCacheConfiguration? {
        var replies = ReplyCacheConfiguration()
        let isAsked = section.flag("chatchat") ?? false
        replies.memory = section.size("memory", in: (1 << 20)...(1 << 40)) ?? replies.memory
        replies.timeToLive = section.duration("ttl", in: .seconds(1)...(.seconds(366 * 86_400))) ?? replies.timeToLive
        if isAsked, !hasPool { section.refuse("needs a `pool` of Chatchat instances", at: "chatchat") }
        return isAsked && hasPool ? replies : nil
    }

    private static func host(_ text: String) -> String? {
        let name = text.hasPrefix("*.") ? text.dropFirst(2) : text[...]
        return Authority.isName(name) ? text.lowercased() : nil
    }

    /// What `strip` takes off: never the `/` that the rest of the path begins with.
    private func strip(_ section: Section, path: String) -> String? {
        guard let item = section.item("strip"), !item.node.isOff else { return nil }
        let isWhole = ["true", "yes", "on"].contains(item.node.text?.lowercased())
        let form = "must be true, false or the beginning of the route's path"
        guard var strip = isWhole ? path : section.value(item, form, { $0.hasPrefix("/") ? $0 : nil }) else {
            return nil
        }
        if strip.hasSuffix("/") { strip.removeLast() }
        let rest = path.dropFirst(strip.count)
        guard path.hasPrefix(strip), rest.isEmpty || rest.hasPrefix("/") else {
            section.refuse("\(form) \(path), not \(item.node.shown)", at: item)
            return nil
        }
        return strip.isEmpty ? nil : strip
    }

    private func poolName(_ key: String, in section: Section) -> String? {
        guard let item = section.item(key), let name = section.text(item) else { return nil }
        references.use(.pool, name, at: item)
        return name
    }

    // MARK: - Models

    func models(in root: Section) -> [ModelConfiguration] {
        let sections = root.namedSections("models")
        if root.has("models"), sections.isEmpty { root.refuse("must hold at least one model", at: "models") }
        return sections.map { model($0.name, $0.section) }
    }

    private func model(_ name: String, _ section: Section) -> ModelConfiguration {
        if name.isEmpty || name.utf8.count > 256 || name.unicodeScalars.contains(where: { $0.value < 0x20 }) {
            section.refuse("a model's name must be 1 to 256 bytes without control characters")
        } else if name != "*", name.contains("*") {
            section.refuse("only \"*\" alone stands for any model; a name with * in it matches nothing")
        }
        var model = ModelConfiguration(name: name, shares: shares(section))
        model.upstreamName = section.text("as")
        model.fallback = poolName("fallback", in: section)
        if let fallback = model.fallback, model.shares.contains(where: { $0.pool == fallback }) {
            section.refuse("is one of the model's own pools", at: "fallback")
        }
        return model
    }

    private func shares(_ section: Section) -> [ModelConfiguration.Share] {
        switch (section.has("pool"), section.has("pools")) {
        case (true, true):
            section.refuse("has both `pool` and `pools`")
            return []
        case (false, false):
            section.refuse("needs a `pool`")
            return []
        case (true, false):
            return poolName("pool", in: section).map { [.init(pool: $0, weight: 1)] } ?? []
        case (false, true):
            let entries = section.named("pools")
            let shares = entries.compactMap { name, item -> ModelConfiguration.Share? in
                references.use(.pool, name, at: item)
                return section.count(item, in: 0...65_535).map { .init(pool: name, weight: $0) }
            }
            if shares.count == entries.count, shares.allSatisfy({ $0.weight == 0 }) {
                section.refuse("must hold at least one pool with a weight above 0", at: "pools")
            }
            return shares
        }
    }
}
