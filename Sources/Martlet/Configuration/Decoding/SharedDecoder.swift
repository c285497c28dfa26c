import MartletBase
import MartletLogic

/// Decodes what appears in several places of the file.
enum SharedDecoder {
    static func timeouts(_ parent: Section) -> TimeoutsOverride {
        let section = parent.section("timeouts")
        return TimeoutsOverride(
            connect: section.duration("connect"), queue: section.duration("queue", in: SettingRange.pause),
            firstByte: section.duration("first_byte"), idle: section.duration("idle"), total: section.duration("total"))
    }

    static func retry(_ parent: Section) -> RetryOverride {
        let section = parent.section("retry")
        return RetryOverride(
            attempts: section.count("attempts", in: 1...20), budget: section.ratio("budget", in: 0...1),
            on: conditions(section))
    }

    private static let conditionWords: [(word: String, condition: RetryConditions)] = [
        ("error", .error), ("timeout", .timeout), ("http_500", .http500), ("http_502", .http502),
        ("http_503", .http503), ("http_504", .http504), ("http_429", .http429), ("non_idempotent", .nonIdempotent),
        ("non_idempotent_when_ejected", .nonIdempotentWhenEjected),
    ]

    private static func conditions(_ section: Section) -> RetryConditions? {
        guard let item = section.item("on") else { return nil }
        if item.node.isOff { return [] }
        var conditions: RetryConditions = []
        let words = conditionWords.map(\.word)
        for word in section.list("on", allowsOne: true) {
            if let known = conditionWords.first(where: { $0.word == word.node.text }) {
                conditions.insert(known.condition)
            } else {
                let hint = word.node.text.map { Suggestion.hint(for: $0, among: words) } ?? ""
                section.refuse("must be \(Section.alternatives(words)), not \(word.node.shown)\(hint)", at: word)
            }
        }
        return conditions
    }

    static func queue(_ parent: Section) -> QueuePolicy {
        let section = parent.section("queue")
        var queue = QueuePolicy()
        queue.length = section.count("length", in: SettingRange.countOrNone) ?? queue.length
        queue.bytes = section.size("bytes", in: 0...(1 << 40)) ?? queue.bytes
        return queue
    }

    /// A program and its arguments.
    static func command(_ section: Section) -> [String] {
        section.require("command")
        let items = section.list("command")
        let words = items.enumerated().compactMap { index, item in
            section.value(item, "must be a text") { !$0.utf8.contains(0) && (index > 0 || !$0.isEmpty) ? $0 : nil }
        }
        if items.isEmpty { section.refuse("must hold a program", at: "command") }
        return words
    }

    // MARK: - Headers

    static func headers(_ key: String, in parent: Section) -> HeaderRules {
        let section = parent.section(key)
        var rules = HeaderRules()
        rules.set = fields("set", in: section)
        rules.add = fields("add", in: section)
        rules.remove = section.list("remove", allowsOne: true).compactMap { item in
            section.value(item, "must be the name of a header") { HeaderText.isName($0) ? $0 : nil }
        }
        return rules
    }

    private static func fields(_ key: String, in section: Section) -> [HeaderRules.Field] {
        var names: Set<String> = []
        return section.named(key).compactMap { name, item in
            if !HeaderText.isName(name) {
                section.refuse("is not the name of a header", at: item)
            } else if HeaderText.reserved.contains(name.lowercased()) {
                let way = name.lowercased() == "host" ? "; `host` says what it is" : ""
                section.refuse("cannot be set: Martlet writes this header itself\(way)", at: item)
            } else if !names.insert(name.lowercased()).inserted, key == "set" {
                section.refuse("is set twice: the names of headers ignore case", at: item)
            } else {
                return section.secret(item).map { HeaderRules.Field(name: name, value: $0) }
            }
            return nil
        }
    }

    static func hostRule(_ key: String, in section: Section) -> HostRule? {
        section.value(key, "must be target, preserve (nginx's $host) or a host name") { text -> HostRule? in
            switch text {
            case "target": .target
            case "preserve": .preserve
            default: Authority(text: text).map { _ in .literal(text) }
            }
        }
    }

    // MARK: - Processes

    /// `environment`: variables for a process.
    static func environment(_ section: Section) -> [String: String] {
        var environment: [String: String] = [:]
        for (name, item) in section.named("environment") {
            if name.isEmpty || name.utf8.contains(0) || name.contains("=") {
                section.refuse("is not the name of a variable", at: item)
            } else if item.node.isNull {
                environment[name] = ""
            } else {
                environment[name] = section.value(item, "must be a text") { $0.utf8.contains(0) ? nil : $0 }
            }
        }
        return environment
    }

    /// `ready`, `restart` and `grace`: the life of a process.
    static func life(_ section: Section, _ ready: Section) -> BackendPolicy {
        var policy = BackendPolicy()
        policy.readyWithin = ready.duration("within") ?? policy.readyWithin
        policy.checkInterval = ready.duration("interval") ?? policy.checkInterval
        policy.hungAfter = ready.count("unhealthy", in: 1...1000) ?? policy.hungAfter
        policy.stopGrace = section.duration("grace", in: SettingRange.pause) ?? policy.stopGrace
        restart(section, into: &policy)
        return policy
    }

    /// `restart`: how a process that ended is started again.
    private static func restart(_ section: Section, into policy: inout BackendPolicy) {
        let restart = section.section("restart")
        policy.backoffFirst = restart.duration("backoff") ?? policy.backoffFirst
        policy.backoffMaximum = restart.duration("backoff_max") ?? max(policy.backoffMaximum, policy.backoffFirst)
        policy.breakerExits = restart.count("exits", in: 1...1000) ?? policy.breakerExits
        policy.breakerWindow = restart.duration("window") ?? policy.breakerWindow
        policy.breakerInterval = restart.duration("slow") ?? policy.breakerInterval
        policy.stableAfter = restart.duration("stable") ?? policy.stableAfter
        if policy.backoffMaximum < policy.backoffFirst {
            restart.refuse("must be at least `backoff`, \(policy.backoffFirst.text)", at: "backoff_max")
        }
    }

    // MARK: - TLS

    /// `tls` of what listens.
    ///
    /// - Parameter knowsClients: There may be a `client_ca`.
    static func serverTLS(_ parent: Section, knowsClients: Bool = true) -> TLSServerConfiguration? {
        guard let tls = parent.optionalSection("tls") else { return nil }
        tls.require("certificate", "key")
        let clientCA = knowsClients ? tls.text("client_ca") : nil
        guard let certificate = tls.text("certificate"), let key = tls.text("key") else { return nil }
        return TLSServerConfiguration(certificate: certificate, key: key, clientCA: clientCA)
    }

    // MARK: - Paths

    /// A path as it can stand in a request line, perhaps with a query.
    static func requestPath(_ key: String, in section: Section) -> String? {
        section.value(key, "must be a path such as /health") { text in
            text.hasPrefix("/") && isVisible(text) && !text.contains("#") ? text : nil
        }
    }

    static func isVisible(_ text: String) -> Bool {
        text.utf8.count <= 4096 && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }
}
