import Glibc
import MartletBase
package import NIOCore

/// Every address of a host name, as the system's resolver knows them (hosts file, DNS). Blocks its thread, for as
/// long as the system's resolver cares to wait.
package enum NameLookup {
    /// Their ports are 0. Throws `connect_failed` with the resolver's own words.
    package static func system(host: String) throws -> [SocketAddress] {
        // As nginx (AI_ADDRCONFIG): no IPv6 addresses on a machine that has no IPv6.
        // SAFETY: plain values; the pointers of a hint stay empty.
        var hints = unsafe addrinfo(
            ai_flags: AI_ADDRCONFIG, ai_family: AF_UNSPEC, ai_socktype: CInt(SOCK_STREAM.rawValue), ai_protocol: 0,
            ai_addrlen: 0, ai_addr: nil, ai_canonname: nil, ai_next: nil)
        var list: UnsafeMutablePointer<addrinfo>?
        // SAFETY: name and hints live through the call.
        let code = unsafe getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            // SAFETY: the text is a constant of the C library.
            let cause = code == EAI_SYSTEM ? systemMessage(errno) : unsafe String(cString: gai_strerror(code))
            throw MartletError(.connectFailed, operation: "resolve \(host)", cause: cause)
        }
        // SAFETY: the list is freed once, after the last look at it.
        defer { unsafe freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = unsafe list
        // SAFETY: what follows an entry is another entry of the list, or nothing.
        while let entry = unsafe next {
            if let address = unsafe address(of: entry.pointee) { found.append(address) }
            unsafe next = entry.pointee.ai_next
        }
        return found
    }

    private static func address(of entry: addrinfo) -> SocketAddress? {
        // SAFETY: the address lives as long as its entry.
        guard let raw = unsafe UnsafeRawPointer(entry.ai_addr) else { return nil }
        // SAFETY: the family says which structure the resolver has allocated behind the pointer.
        switch unsafe entry.ai_family {
        case AF_INET: return SocketAddress(unsafe raw.loadUnaligned(as: sockaddr_in.self))
        case AF_INET6: return SocketAddress(unsafe raw.loadUnaligned(as: sockaddr_in6.self))
        default: return nil
        }
    }
}
