import Glibc
package import NIOCore
import NIOSSL

extension Channel {
    /// Closes the connection with a TCP reset, at once: unsent bytes are dropped, the peer learns that nobody reads
    /// any more, and nothing stays behind in TIME_WAIT. Call on the channel's event loop.
    ///
    /// The close starts below TLS, which would otherwise wait for the peer's farewell.
    package func reset() {
        eventLoop.assertInEventLoop()
        if let provider = self as? any SocketOptionProvider {
            // A socket that the peer has already reset refuses the option; the close is then as abrupt as it gets.
            _ = provider.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        if let tls = try? pipeline.syncOperations.context(handlerType: NIOSSLHandler.self) {
            tls.close(promise: nil)
        } else {
            close(promise: nil)
        }
    }
}
