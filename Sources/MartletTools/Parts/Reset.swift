import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#endif

extension Channel {
    /// Closes with RST, as a process that crashes does.
    func closeWithReset() {
        if let socket = self as? any SocketOptionProvider {
            _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        close(promise: nil)
    }
}
