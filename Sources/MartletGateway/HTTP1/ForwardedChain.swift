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
        let hops = stated.flatMap { $0.split(separator: ",").map { String($0.trimmed) } } + [address]
        text = hops.joined(separator: ", ")
        client = named ?? hops.last { !isOneOfOurs($0) } ?? hops.first ?? address
        stranger = isOneOfOurs(client) ? nil : client
    }
}

extension Substring {
    /// Without the blanks around it.
    fileprivate var trimmed: Substring {
        var text = self.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }
}
