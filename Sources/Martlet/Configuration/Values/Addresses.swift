/// Where a listener or the console binds: `host:port`, `[v6]:port` or `unix:/path`.
package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// The host is a name or an address without brackets; port 0: any free one.
    case tcp(host: String, port: Int)
    case unix(path: String)

    /// nil when the text is no address.
    package init?(text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            // The kernel's bound on the path of a socket, with its closing zero.
            guard path.hasPrefix("/"), path.utf8.count < 108, !path.utf8.contains(0) else { return nil }
            self = .unix(path: path)
            return
        }
        guard let authority = Authority(text: text), let port = authority.port else { return nil }
        self = .tcp(host: authority.host, port: port)
    }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool {
        switch self {
        case .unix: true
        case .tcp(let host, _):
            host == "::1" || host.lowercased() == "localhost"
                || (host.hasPrefix("127.") && host.allSatisfy { $0 == "." || ("0"..."9").contains($0) })
        }
    }

    package var description: String {
        switch self {
        case .tcp(let host, let port): "\(bracketed(host)):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

/// A target's `url`: scheme, host and port, nothing else.
package struct UpstreamURL: Sendable, Hashable, CustomStringConvertible {
    package var isTLS: Bool
    /// A name or an address, without brackets.
    package var host: String
    package var port: Int

    /// What a URL must look like, for errors.
    package static let form = "must be http://HOST:PORT or https://HOST:PORT"

    /// nil when the text is anything but a scheme, a host, perhaps a port, and perhaps one `/`.
    package init?(text: String) {
        let schemes = [("http://", false, 80), ("https://", true, 443)]
        guard let scheme = schemes.first(where: { text.lowercased().hasPrefix($0.0) }) else { return nil }
        var rest = text.dropFirst(scheme.0.count)
        if rest.hasSuffix("/") { rest.removeLast() }
        guard let authority = Authority(text: String(rest)), authority.port != 0 else { return nil }
        isTLS = scheme.1
        host = authority.host
        port = authority.port ?? scheme.2
    }

    /// What `Host` carries: the port only where it is not the scheme's own.
    package var authority: String {
        port == (isTLS ? 443 : 80) ? bracketed(host) : "\(bracketed(host)):\(port)"
    }

    package var description: String { "\(isTLS ? "https" : "http")://\(authority)" }
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
struct Authority {
    var host: String
    var port: Int?

    init?(text: String) {
        let hostText: Substring
        let portText: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            hostText = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            portText = rest.isEmpty ? nil : rest.dropFirst()
            guard Self.isIPv6(hostText) else { return nil }
        } else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2, let first = parts.first, Self.isName(first) else { return nil }
            hostText = first
            portText = parts.count == 2 ? parts[1] : nil
        }
        host = String(hostText)
        guard let portText else { return }
        guard portText.utf8.count <= 5, !portText.isEmpty, portText.utf8.allSatisfy(isDigit),
            let number = Int(portText), number <= 65_535
        else { return nil }
        port = number
    }

    /// A host name or an IPv4 address; underscores because container names have them.
    static func isName(_ text: some StringProtocol) -> Bool {
        let allowed = text.utf8.allSatisfy { isDigit($0) || isLetter($0) || "-_.".utf8.contains($0) }
        return allowed && (1...253).contains(text.utf8.count) && !text.hasPrefix("-") && !text.hasPrefix(".")
            && !text.contains("..")
    }

    /// Enough to tell an IPv6 address from a mistake; the resolver has the last word.
    private static func isIPv6(_ text: Substring) -> Bool {
        let allowed = text.utf8.allSatisfy { isDigit($0) || "abcdefABCDEF:.".utf8.contains($0) }
        return allowed && text.filter { $0 == ":" }.count >= 2 && text.utf8.count <= 45
    }
}

func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }

private func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
