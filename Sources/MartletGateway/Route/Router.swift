package import MartletExchange
package import MartletWire
import NIOCore

/// Finds the route of a request: those for its host before those for every host, the longest prefix first.
package struct Router: Sendable {
    private let routes: [Route]
    /// Some route asks for a host at all.
    private let looksAtHost: Bool

    package init(_ routes: [Route]) {
        self.routes = routes.sorted {
            ($0.host == nil ? 0 : 1, $0.prefix.count) > ($1.host == nil ? 0 : 1, $1.prefix.count)
        }
        looksAtHost = routes.contains { $0.host != nil }
    }

    package func match(_ head: RequestHead) -> Route? {
        let host = looksAtHost ? Self.host(of: head.authority) : ""
        return routes.first { route in
            (route.host == nil || route.host == host) && Self.hasPrefix(head, route.prefix)
        }
    }

    private static func hasPrefix(_ head: RequestHead, _ prefix: [UInt8]) -> Bool {
        guard head.pathLength >= prefix.count else { return false }
        let path = head.target.readableBytesUInt8Span
        for index in prefix.indices where path[index] != prefix[index] { return false }
        return true
    }

    /// Lower case, without the port.
    private static func host(of authority: ByteBuffer) -> String {
        let text = (authority.getString(at: authority.readerIndex, length: authority.readableBytes) ?? "").lowercased()
        if text.hasPrefix("[") { return String(text.prefix { $0 != "]" }) + "]" }
        return String(text.prefix { $0 != ":" })
    }
}
