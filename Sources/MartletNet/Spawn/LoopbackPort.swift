import CMartlet
import Glibc
import NIOCore

/// Ports on the loopback address for children to listen on.
package enum LoopbackPort {
    /// Below the range from which Linux takes the ports of outgoing connections: a port that is free now is not lost to
    /// one of the gateway's own connections before the child has bound it.
    private static let candidates: Range<UInt16> = 20_000..<32_000

    /// A port that nobody listens on at 127.0.0.1 now; nil when a hundred tries found none.
    ///
    /// - Parameter taken: Ports that are promised to others already.
    package static func free(besides taken: Set<Int> = []) -> Int? {
        for _ in 0..<100 {
            let port = UInt16.random(in: candidates)
            if !taken.contains(Int(port)), canBind(port) { return Int(port) }
        }
        return nil
    }

    private static func canBind(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        guard let address = try? SocketAddress(ipAddress: "127.0.0.1", port: Int(port)) else { return false }
        // SAFETY: `bind` keeps no pointer.
        return unsafe address.withSockAddr { pointer, length in
            unsafe bind(descriptor, pointer, socklen_t(length)) == 0
        }
    }
}
