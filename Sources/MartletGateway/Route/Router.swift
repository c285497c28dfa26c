package import MartletExchange
package import MartletWire
import NIOCore

/// Finds the route of a request: those for its host first, then those for `*.NAME` with the longest name, then those
/// for every host; among them the longest prefix. Of two that differ in their methods alone, the one that takes the
/// request's.
package struct Router: Sendable {
    private let routes: [Route]
    /// Some route asks for a host at all.
    private let looksAtHost: Bool

    package init(_ routes: [Route]) {
        self.routes = routes.sorted { (Self.rank($0.host), $0.prefix.count) > (Self.rank($1.host), $1.prefix.count) }
        looksAtHost = routes.contains { $0.host != nil }
    }

    package func match(_ head: RequestHead) -> Route? {
        let host = looksAtHost ? Self.host(of: head.authority) : ""
        let isFound = { (route: Route) in
            Self.matches(host, route.host) && Self.hasPrefix(head, route.prefix)
                && (!route.isExact || head.pathLength == route.prefix.count)
        }
        guard let first = routes.first(where: isFound) else { return nil }
        if first.takes(head) { return first }
        return routes.first { $0.prefix == first.prefix && $0.takes(head) && isFound($0) } ?? first
    }

    /// `*.NAME` stands for any name below it.
    private static func matches(_ host: String, _ wanted: String?) -> Bool {
        guard let wanted else { return true }
        guard wanted.hasPrefix("*.") else { return host == wanted }
        return host.utf8.count >= wanted.utf8.count && host.hasSuffix(wanted.dropFirst())
    }

    private static func rank(_ host: String?) -> Int {
        guard let host else { return 0 }
        return host.hasPrefix("*.") ? host.utf8.count : .max
    }

    private static func hasPrefix(_ head: RequestHead, _ prefix: [UInt8]) -> Bool {
        guard head.pathLength >= prefix.count else { return false }
        let target = head.target
        let path = target.readableBytesUInt8Span
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
