import Glibc
package import NIOCore

/// Stops accepting for a moment when the process has no descriptor or memory for another connection.
///
/// Left to itself the server channel would try again at once, for ever: a core burnt on failing calls. Clients wait in
/// the kernel's queue meanwhile. On the listening channel, before what accepts.
package final class AcceptPause: ChannelInboundHandler {
    package typealias InboundIn = any Channel

    private static let pause: TimeAmount = .milliseconds(50)
    /// One word a second says it as well as a thousand.
    private static let quiet: TimeAmount = .seconds(1)

    private let tell: (IOError) -> Void
    private var isPaused = false
    private var lastWord: NIODeadline?

    /// - Parameter tell: For the log.
    package init(tell: @escaping (IOError) -> Void) {
        self.tell = tell
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, Self.isShortage(error.errnoCode) else {
            return context.fireErrorCaught(error)
        }
        say(error, now: context.eventLoop.now)
        guard !isPaused else { return }
        isPaused = true
        context.setReading(false)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            self.isPaused = false
            context.setReading(true)
        }
    }

    private func say(_ error: IOError, now: NIODeadline) {
        if let lastWord, now < lastWord + Self.quiet { return }
        lastWord = now
        tell(error)
    }

    private static func isShortage(_ code: CInt) -> Bool {
        code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM
    }
}
