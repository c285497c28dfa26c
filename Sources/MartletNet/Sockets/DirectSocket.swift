import Glibc
package import NIOCore
import NIOPosix

/// The socket under a plaintext channel, for bytes that need no queue: what the kernel takes at once costs one call.
///
/// Only for a caller that knows the channel's queue to be empty: bytes sent here overtake it.
package struct DirectSocket {
    private let channel: any Channel
    private let descriptor: CInt

    /// nil for channels without a socket of their own.
    package init?(_ channel: any Channel) {
        let handle = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { $0 }
        guard let handle else { return nil }
        self.channel = channel
        descriptor = handle
    }

    /// Sends what the kernel has room for; answers how many bytes that were. None of a broken connection: the channel
    /// finds out when it is given the rest.
    package func send(_ bytes: ByteBuffer) -> Int {
        // The descriptor belongs to the channel, and to somebody else once that is closed.
        guard channel.isActive else { return 0 }
        // SAFETY: the kernel only reads the bytes, and only during the call.
        let sent = unsafe bytes.withUnsafeReadableBytes { pointer in
            unsafe Glibc.send(descriptor, pointer.baseAddress, pointer.count, CInt(MSG_NOSIGNAL))
        }
        return max(0, sent)
    }
}
