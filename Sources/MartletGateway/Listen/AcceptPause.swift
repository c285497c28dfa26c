import Glibc
import Logging
import MartletBase
import MartletNet
import NIOCore

/// Stops accepting for a moment when the process has no descriptor or memory for another connection.
///
/// Left to itself the server channel would try again at once, for ever: a core burnt on failing calls. Clients wait in
/// the kernel's queue meanwhile. On the listening channel, before what accepts.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let pause: TimeAmount = .milliseconds(50)
    /// One line a second says it as well as a thousand.
    private static let quiet: TimeAmount = .seconds(1)

    private let logger: Logger
    private var isPaused = false
    private var lastWord: NIODeadline?

    init(logger: Logger) {
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, Self.isShortage(error.errnoCode) else {
            return context.fireErrorCaught(error)
        }
        tell(error, now: context.eventLoop.now)
        guard !isPaused else { return }
        isPaused = true
        context.setReading(false)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            self.isPaused = false
            context.setReading(true)
        }
    }

    private func tell(_ error: IOError, now: NIODeadline) {
        if let lastWord, now < lastWord + Self.quiet { return }
        lastWord = now
        logger.error("no connection can be accepted", metadata: ["error": "\(error)"])
    }

    private static func isShortage(_ code: CInt) -> Bool {
        code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM
    }
}
