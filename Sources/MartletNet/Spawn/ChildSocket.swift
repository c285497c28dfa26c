import CMartlet
import Glibc
package import MartletBase
package import NIOCore
import NIOPosix

/// A line to a child: two connected sockets, of which the child gets one as its standard input.
///
/// Each side learns of the other's death by the end of the file. For that to hold, nobody else may keep the child's
/// end: ``ChildProcess`` closes ours of it when the child has its own.
package struct ChildSocket: Sendable {
    /// Our end.
    package let ours: OwnedDescriptor
    /// The child's end; blocking, as programs expect of their standard input.
    package let childs: OwnedDescriptor

    /// Both ends are closed in children unless handed to them.
    package init() throws(MartletError) {
        var ends: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        // SAFETY: the call writes two descriptors into the two places.
        guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw MartletError(.internalError, operation: "make a socket pair", cause: systemMessage(errno))
        }
        ours = OwnedDescriptor(ends[0])
        childs = OwnedDescriptor(ends[1])
    }

    /// Sends the child a descriptor along with `bytes`, few enough that an empty line takes them at once. Only before
    /// ``channel(on:setUp:)``.
    package func send(_ bytes: ByteBuffer, with descriptor: CInt) throws(MartletError) {
        guard let socket = ours.value else { return }
        // SAFETY: the kernel reads the bytes during the call only.
        let code = unsafe bytes.withUnsafeReadableBytes {
            unsafe martlet_send_descriptor(socket, $0.baseAddress, $0.count, descriptor)
        }
        guard code == 0 else {
            throw MartletError(.internalError, operation: "send to a child", cause: systemMessage(code))
        }
    }

    /// Our end as a channel, which owns it from then on. Once for each socket.
    ///
    /// - Parameter setUp: Adds the handlers, on the loop, before anything is read.
    package func channel(
        on loop: any EventLoop, setUp: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        guard let descriptor = ours.release() else { return loop.makeFailedFuture(ChannelError.alreadyClosed) }
        return ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try setUp(channel) }
            }
            .withConnectedSocket(descriptor)
    }
}
