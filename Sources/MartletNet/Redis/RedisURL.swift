package import MartletBase

/// Where a Redis server is, as Celery writes it: `redis://[user][:password@]host[:port][/database]`, and `rediss://`
/// for TLS. IPv6 addresses stand in brackets; what is special in names and passwords is percent-encoded.
package struct RedisURL: Sendable, Hashable, CustomStringConvertible {
    package static let defaultPort = 6379

    /// A name in lower case, or an address without brackets.
    package var host: String
    package var port: Int
    package var database: Int
    package var username: String?
    package var password: Secret?
    package var isTLS: Bool
    /// Whether the server's certificate has to be valid (`ssl_cert_reqs=none` says no).
    package var verifiesServer: Bool
    /// A file of certificate authorities to believe instead of the system's (`ssl_ca_certs`).
    package var authorities: String?

    package init(
        host: String = "localhost", port: Int = Self.defaultPort, database: Int = 0, username: String? = nil,
        password: Secret? = nil, isTLS: Bool = false, verifiesServer: Bool = true, authorities: String? = nil
    ) {
        self.host = host
        self.port = port
        self.database = database
        self.username = username
        self.password = password
        self.isTLS = isTLS
        self.verifiesServer = verifiesServer
        self.authorities = authorities
    }

    /// Reads a URL. Parameters after `?` that concern other clients only are passed over.
    package init(_ text: String) throws(RedisURLError) {
        do throws(HTTPURL.Reason) {
            self = try RedisURLReader(text).url()
        } catch {
            throw RedisURLError(text: Self.masked(text), reason: error.words)
        }
    }

    /// Without name and password.
    package var text: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return "\(isTLS ? "rediss" : "redis")://\(name):\(port)/\(database)"
    }

    package var description: String { text }

    /// A text that may hold a password, without it, however wrong the text is: what stands before an `@`, what stands
    /// where a port belongs and no host is, and parameters.
    private static func masked(_ text: String) -> String {
        let scheme = text.firstRange(of: "://").map { text[..<$0.upperBound] } ?? ""
        var rest = text.dropFirst(scheme.count)
        var shown = String(scheme)
        if let at = rest.lastIndex(of: "@") {
            shown += "***"
            rest = rest[at...]
        } else if rest.hasPrefix(":") {
            return shown + "***"
        }
        let parameters = rest.firstIndex(of: "?") ?? rest.endIndex
        return shown + rest[..<parameters] + (parameters == rest.endIndex ? "" : "?***")
    }
}

/// What is wrong with a URL of a Redis server.
package struct RedisURLError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The text as it was given; `***` where it may hold a password.
    package var text: String
    package var reason: String

    package var description: String { "\(text.debugDescription) is not a usable URL of a Redis server: \(reason)" }
}
