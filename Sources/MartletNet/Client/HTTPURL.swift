import NIOCore

/// Where requests can be sent: scheme, host and port.
package struct Origin: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable {
        case http, https

        package var defaultPort: Int { self == .http ? 80 : 443 }
    }

    package var scheme: Scheme
    /// A name in lower case, or an address without brackets.
    package var host: String
    package var port: Int

    package init(scheme: Scheme = .http, host: String, port: Int) {
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    /// The `Host` header: the port only where it is not the scheme's own.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == scheme.defaultPort ? name : "\(name):\(port)"
    }

    package var description: String { "\(scheme.rawValue)://\(authority)" }
}

/// A URL that requests can be sent to: `http://host[:port][/path]` or `https://…`, with IPv6 addresses in brackets.
package struct HTTPURL: Hashable, Sendable, CustomStringConvertible {
    package var origin: Origin
    /// The request target: begins with `/`, keeps a query.
    package var path: String

    package init(origin: Origin, path: String = "/") {
        self.origin = origin
        self.path = path
    }

    package var description: String { origin.description + path }

    /// Reads a URL strictly: no user, no fragment, nothing to be guessed or corrected.
    package init(_ text: String) throws(HTTPURLError) {
        do throws(Reason) {
            self = try Self.parse(text[...])
        } catch {
            throw HTTPURLError(text: error.isSecret ? "***" : text, reason: error.words)
        }
    }

    struct Reason: Error {
        var words: String
        var isSecret = false
    }

    private static func parse(_ text: Substring) throws(Reason) -> HTTPURL {
        guard text.utf8.allSatisfy({ 0x21...0x7e ~= $0 }) else {
            throw Reason(words: "spaces, control characters and letters outside ASCII have to be percent-encoded")
        }
        let scheme: Origin.Scheme
        var rest: Substring
        if text.lowercased().hasPrefix("http://") {
            (scheme, rest) = (.http, text.dropFirst(7))
        } else if text.lowercased().hasPrefix("https://") {
            (scheme, rest) = (.https, text.dropFirst(8))
        } else {
            throw Reason(words: "it has to begin with http:// or https://")
        }
        guard !rest.contains("#") else { throw Reason(words: "a fragment (#…) is never sent") }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        rest = rest.dropFirst(authority.count)
        guard !authority.contains("@") else {
            throw Reason(words: "user names and passwords do not belong in a URL", isSecret: true)
        }
        let (host, port) = try hostAndPort(authority, defaultPort: scheme.defaultPort)
        let path = rest.hasPrefix("/") ? String(rest) : "/" + rest
        return HTTPURL(origin: Origin(scheme: scheme, host: host, port: port), path: path)
    }

    /// The host in lower case, an IPv6 address without its brackets.
    static func hostAndPort(_ authority: Substring, defaultPort: Int) throws(Reason) -> (String, Int) {
        let host: Substring
        let afterHost: Substring
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw Reason(words: "the bracket is never closed") }
            host = authority[authority.index(after: authority.startIndex)..<end]
            afterHost = authority[authority.index(after: end)...]
            guard host.contains(":"), SocketAddress.literal(host, port: 0) != nil else {
                throw Reason(words: "[\(host)] is not an IPv6 address")
            }
        } else {
            host = authority.prefix { $0 != ":" }
            afterHost = authority.dropFirst(host.count)
            guard !afterHost.dropFirst().contains(":") else {
                throw Reason(words: "an IPv6 address has to stand in brackets")
            }
            try checkName(host)
        }
        guard !afterHost.isEmpty else { return (host.lowercased(), defaultPort) }
        guard afterHost.first == ":" else { throw Reason(words: "\(afterHost) after the bracket is not a port") }
        return (host.lowercased(), try port(afterHost.dropFirst()))
    }

    private static func checkName(_ host: Substring) throws(Reason) {
        guard !host.isEmpty else { throw Reason(words: "the host is missing") }
        guard host.utf8.count <= 253 else { throw Reason(words: "the host is longer than 253 characters") }
        // The underscore is not in the standard, but in the service names of many compose files.
        guard host.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" || $0 == "." || $0 == "_" }) else {
            throw Reason(words: "\(host) is not a host name")
        }
        guard !host.hasPrefix("."), !host.contains("..") else { throw Reason(words: "\(host) has an empty part") }
        guard host.contains(where: { !$0.isNumber && $0 != "." }) || SocketAddress.literal(host, port: 0) != nil else {
            throw Reason(words: "\(host) is not an IPv4 address")
        }
    }

    private static func port(_ digits: Substring) throws(Reason) -> Int {
        guard digits.utf8.count <= 5, digits.allSatisfy(\.isNumber), let port = Int(digits), 1...65_535 ~= port else {
            throw Reason(words: "the port is not a number from 1 to 65535")
        }
        return port
    }
}

/// What is wrong with a URL.
package struct HTTPURLError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The text as it was given; `***` where it holds a password.
    package var text: String
    package var reason: String

    package var description: String { "\(text.debugDescription) is not a usable URL: \(reason)" }
}
