import Glibc
package import NIOCore

/// Why nothing could listen at this IP address now, as an errno; nil: it is free. Binds and lets go without listening,
/// so that no client ever meets it.
package func bindFailure(_ address: SocketAddress) -> CInt? {
    let family = address.protocol == .inet6 ? AF_INET6 : AF_INET
    let descriptor = socket(family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    var on: CInt = 1
    // As a listener does it: what is left of its former connections is no obstacle.
    // SAFETY: the kernel reads one integer, during the call.
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
    // SAFETY: the kernel reads as many bytes of the address as are said, during the call.
    let result = unsafe address.withSockAddr { unsafe bind(descriptor, $0, socklen_t($1)) }
    return result == 0 ? nil : errno
}
