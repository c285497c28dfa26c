import Glibc
import NIOCore

/// An address that cannot be listened on, with what to do: `listen: 127.0.0.1:8080 is in use: …`.
package struct ListenError: Error, CustomStringConvertible {
    /// `listen` or `console.address`.
    let key: String
    let address: ListenAddress
    let cause: any Error

    package var description: String { "\(key): \(address) \(reason)" }

    private var reason: String {
        switch (cause as? IOError)?.errnoCode {
        case EADDRINUSE:
            "is in use: stop what listens there, or choose another address (`\(key)` in the file, or \(option))"
        case EACCES: "may not be opened by this user: ports below 1024 need root or CAP_NET_BIND_SERVICE"
        case EADDRNOTAVAIL: "is not an address of this machine"
        default: "cannot be opened: \(cause)"
        }
    }

    private var option: String { key == "listen" ? "--listen" : "--console" }
}
