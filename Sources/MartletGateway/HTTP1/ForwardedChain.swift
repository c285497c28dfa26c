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
    ///   - named: the value of `X-Real-IP`, for a proxy that keeps no chain.
    ///   - address: the proxy's own.
    package init(stated: [String], named: String?, address: String, trusted: [AddressRange]) {
        func isOneOfOurs(_ text: String) -> Bool {
            guard let address = SocketAddress.literal(text, port: 0) else { return false }
            return address.isLoopback || trusted.contains { $0.contains(address) }
        }
        // An empty element of a list means nothing (RFC 9110 §5.6.1), and is nobody.
        let hops = stated.flatMap { $0.utf8.split(separator: comma).map(\.trimmed).filter { $0 != "" } } + [address]
        text = hops.joined(separator: ", ")
        client = named ?? hops.last { !isOneOfOurs($0) } ?? hops.first ?? address
        stranger = isOneOfOurs(client) ? nil : client
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
