internal import CMartlet
package import NIOCore
import NIOPosix

extension Channel {
    /// Bytes that were written to the socket and that the peer has not taken yet; 0 where the kernel does not tell. On
    /// the channel's loop only.
    package var bytesInKernel: Int {
        let bytes = try? pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            martlet_unacknowledged($0)
        }
        return max(0, Int((bytes ?? nil) ?? 0))
    }

    /// Whether bytes have come that were not read yet. On the channel's loop only.
    package var hasUnreadBytes: Bool {
        let bytes = try? pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            martlet_unread($0)
        }
        return ((bytes ?? nil) ?? 0) > 0
    }

    /// Whether the peer has ended the connection while our side is still open (CLOSE_WAIT). On the channel's loop only.
    package var isAbandonedByPeer: Bool {
        let state = try? pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            martlet_tcp_state($0)
        }
        return state == 8
    }
}
