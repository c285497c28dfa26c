import Glibc

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
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        // SAFETY: `bind` reads `sockaddr_in` through the general type, as the sockets interface wants it, and keeps no
        // pointer.
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
