package import MartletNet
import NIOCore

/// Whom a trusted proxy speaks for: going back along the chain, the first address that is not one of ours. What stands
/// before that one is the client's own claim.
package struct ForwardedChain: Equatable, Sendable {
    /// Everybody the request came through, the proxy last, as one value of `X-Forwarded-For`.
    package let text: String
    package let client: String
    /// The client, unless it is one of ours.
    package let stranger: String?

    /// - Parameters:
    ///   - stated: the values of `X-Forwarded-For`, in order.
    ///   - named: the value of `X-Real-IP`, for a proxy that keeps no chain: it counts where that names nobody, and
    ///     where it is an address.
    ///   - address: the proxy's own.
    package init(stated: [String], named: String?, address: String, trusted: [AddressRange]) {
        func isOneOfOurs(_ text: String) -> Bool {
            guard let address = SocketAddress.literal(text, port: 0) else { return false }
            return address.isLoopback || trusted.contains { $0.contains(address) }
        }
        // An empty element of a list means nothing (RFC 9110 §5.6.1), and is nobody.
        let before = stated.flatMap { $0.utf8.split(separator: comma).map(\.trimmed).filter { $0 != "" } }
            .map { Self.address($0) ?? $0 }
        let hops = before + [address]
        text = hops.joined(separator: ", ")
        let named = before.isEmpty ? named.flatMap { Self.address($0.utf8[...].trimmed) } : nil
        client = named ?? hops.last { !isOneOfOurs($0) } ?? hops.first ?? address
        stranger = isOneOfOurs(client) ? nil : client
    }

    /// The address alone, where some proxies write its port behind it and IPv6 in brackets: each connection of a client
    /// would be a client of its own. nil for what is no address.
    private static func address(_ text: String) -> String? {
        var address = text.utf8[...]
        if address.first == UInt8(ascii: "[") {
            guard let end = address.firstIndex(of: UInt8(ascii: "]")), isPort(address[end...].dropFirst())
            else { return nil }
            address = address[..<end].dropFirst()
        } else if let colon = address.firstIndex(of: UInt8(ascii: ":")), isPort(address[colon...]),
            address[..<colon].contains(UInt8(ascii: "."))
        {
            address = address[..<colon]
        }
        let bare = String(Substring(address))
        return SocketAddress.literal(bare, port: 0) == nil ? nil : bare
    }

    /// A colon and some digits, or nothing.
    private static func isPort(_ text: Substring.UTF8View) -> Bool {
        guard let first = text.first else { return true }
        let digits = text.dropFirst()
        return first == UInt8(ascii: ":") && 1...5 ~= digits.count
            && digits.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }
}

/// Bytes are looked at, not characters: a comma with an accent behind it is a comma.
private let comma = UInt8(ascii: ",")

extension Substring.UTF8View {
    /// Without the blanks around it.
    fileprivate var trimmed: String {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var text = drop(while: isBlank)
        while text.last.map(isBlank) == true { text.removeLast() }
        return String(Substring(text))
    }
}
