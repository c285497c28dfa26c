/// What an operator may have meant by a word that is not known here.
enum Suggestion {
    /// Words of nginx and of other gateways, and what says the same here.
    static let synonyms: [String: String] = [
        "max_conns": "max_inflight", "server": "targets", "servers": "targets", "upstream": "pools",
        "upstreams": "pools", "endpoints": "targets", "server_name": "host", "location": "path", "prefix": "path",
        "proxy_pass": "pool", "worker_processes": "threads", "worker_rlimit_nofile": "limits.open_files",
        "worker_connections": "limits.open_files", "client_max_body_size": "limits.body",
        "client_header_timeout": "limits.header_timeout", "client_body_timeout": "limits.body_grace",
        "send_timeout": "limits.slow_reader", "keepalive_timeout": "limits.keepalive",
        "proxy_read_timeout": "timeouts.idle", "read": "idle", "proxy_connect_timeout": "timeouts.connect",
        "proxy_next_upstream": "retry.on", "proxy_next_upstream_tries": "retry.attempts",
        "proxy_set_header": "headers", "set_real_ip_from": "trusted_proxies", "lb": "balance", "policy": "balance",
        "strategy": "balance", "health_check": "health", "healthcheck": "health", "ssl": "tls",
        "ssl_certificate": "tls.certificate", "cert": "certificate", "port": "address", "bind": "address",
        "env": "environment", "cwd": "directory", "replicas": "instances", "cmd": "command", "model": "as",
        "priority": "weight", "authorization": "api_key", "key": "api_key", "proxy_ssl_verify": "tls.verify",
        "proxy_ssl_name": "tls.server_name",
    ]

    /// `: did you mean …?`, or nothing.
    static func hint(for word: String, among known: [String]) -> String {
        guard let match = closest(to: word, among: known) else { return "" }
        return "; did you mean `\(match)`?"
    }

    static func closest(to word: String, among known: [String]) -> String? {
        let lowered = word.lowercased().replacing("-", with: "_")
        if let exact = known.first(where: { $0.lowercased() == lowered }) { return exact }
        if let synonym = synonyms[lowered], let last = synonym.split(separator: ".").last {
            if known.contains(String(last)) { return String(last) }
            if synonym.contains(".") { return synonym }
        }
        guard word.count <= 40 else { return nil }
        let allowed = max(1, word.count / 3)
        let near = known.map { (distance(lowered, $0.lowercased()), $0) }.min { $0.0 < $1.0 }
        return near.flatMap { $0.0 <= allowed && $0.0 < word.count ? $0.1 : nil }
    }

    /// How many letters must be put in, taken out, replaced or swapped with their neighbour.
    static func distance(_ from: String, _ to: String) -> Int {
        let from = Array(from.unicodeScalars)
        let to = Array(to.unicodeScalars)
        guard !from.isEmpty, !to.isEmpty else { return max(from.count, to.count) }
        var beforeLast: [Int] = []
        var last = Array(0...to.count)
        for row in 1...from.count {
            var current = [row]
            for column in 1...to.count {
                let isSame = from[row - 1] == to[column - 1]
                var best = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + (isSame ? 0 : 1))
                if row > 1, column > 1, from[row - 1] == to[column - 2], from[row - 2] == to[column - 1] {
                    best = min(best, beforeLast[column - 2] + 1)
                }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last[to.count]
    }
}
