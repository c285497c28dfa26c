import MartletTools

/// A configuration with one pool, `main`: every path goes there, and `/v1/` is the model API for any model.
///
/// - Parameters:
///   - targets: as in `targets:`, such as `{url: http://…, weight: 2}`.
///   - settings: lines of the pool. Active checks are off unless they say `health:`.
///   - more: top-level keys.
func onePool(_ targets: [String], _ settings: String..., more: String = "") -> String {
    onePool(targets, settings: settings, more: more)
}

func onePool(_ targets: [String], settings: [String], more: String = "") -> String {
    let checks = settings.contains { $0.hasPrefix("health:") } ? [] : ["health: off"]
    let lines = ["keepalive: {idle: 200ms}"] + checks + settings
    return """
        pools:
          main:
        \(lines.map { "    \($0)\n" }.joined())    targets:
        \(targets.map { "      - \($0)\n" }.joined())
        \(more)
        """
}

extension Array where Element == MockServer {
    /// One target for each, with these further keys, such as `max_fails: 2`.
    func targets(_ keys: String = "") -> [String] { map { $0.target(keys) } }
}

extension MockServer {
    /// This mock as an entry of `targets:`, with these further keys.
    func target(_ keys: String = "") -> String {
        "{url: \(url)\(keys.isEmpty ? "" : ", " + keys)}"
    }

    /// Requests to paths that mean nothing to it.
    var echoes: Int { stats.byPath["other"] ?? 0 }
    var chats: Int { stats.byPath["/v1/chat/completions"] ?? 0 }
}
