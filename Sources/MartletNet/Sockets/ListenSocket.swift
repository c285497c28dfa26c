import Glibc
import MartletBase
package import NIOCore

/// A bound, listening socket as a descriptor: made here rather than by NIO, so that a copy can outlive this process.
package enum ListenSocket {
    /// Binds `address` and listens. The caller owns the descriptor, which children do not inherit.
    ///
    /// Throws an `IOError` with the errno.
    package static func open(on address: SocketAddress) throws -> CInt {
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(address.protocol.rawValue, kind, 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        do {
            try prepare(descriptor, address)
            try bind(descriptor, address)
            try listen(descriptor)
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Another descriptor of the same socket. The caller owns it; children do not inherit it.
    package static func copy(of descriptor: CInt) throws -> CInt {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw IOError(errnoCode: errno, reason: "fcntl") }
        return copy
    }

    /// Has as many connections wait as the kernel allows; again on a socket that listens already.
    package static func listen(_ descriptor: CInt) throws {
        guard Glibc.listen(descriptor, ListenBacklog.fromKernel()) == 0 else {
            throw IOError(errnoCode: errno, reason: "listen")
        }
    }

    private static func prepare(_ descriptor: CInt, _ address: SocketAddress) throws {
        guard address.protocol != .unix else { return }
        var on: CInt = 1
        // SAFETY: the kernel reads the one number during the call.
        let code = unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        guard code == 0 else { throw IOError(errnoCode: errno, reason: "setsockopt") }
    }

    /// A socket file that nobody listens on any more (whoever did was killed) makes room.
    private static func bind(_ descriptor: CInt, _ address: SocketAddress) throws {
        do {
            try bindOnce(descriptor, address)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            guard let path = address.pathname, isStale(path, address) else { throw error }
            // SAFETY: the string is terminated and lives through the call.
            unsafe unlink(path)
            try bindOnce(descriptor, address)
        }
    }

    private static func isStale(_ path: String, _ address: SocketAddress) -> Bool {
        // Not blocking: whoever listens may have more callers than it takes.
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        let caller = socket(address.protocol.rawValue, kind, 0)
        guard caller >= 0, address.protocol == .unix else { return false }
        defer { close(caller) }
        // SAFETY: the address and its length belong together, and live through the call.
        let code = unsafe address.withSockAddr { unsafe connect(caller, $0, socklen_t($1)) }
        return code != 0 && errno == ECONNREFUSED
    }

    private static func bindOnce(_ descriptor: CInt, _ address: SocketAddress) throws {
        // SAFETY: the address and its length belong together, and live through the call.
        let code = unsafe address.withSockAddr { unsafe Glibc.bind(descriptor, $0, socklen_t($1)) }
        guard code == 0 else { throw IOError(errnoCode: errno, reason: "bind") }
    }
}
