import Logging
import MartletBase
import MartletLogic
import MartletNet
import Synchronization

/// Makes log lines of what one process prints, no more than its ``OutputAllowance``.
final class BackendOutput: Sendable {
    private let logger: Logger
    private let now: @Sendable () -> Instant
    private let allowance: Mutex<OutputAllowance>

    init(logger: Logger, now: @escaping @Sendable () -> Instant) {
        self.logger = logger
        self.now = now
        allowance = Mutex(OutputAllowance(now: now()))
    }

    func log(_ line: String, from stream: ChildStream) {
        guard case .log(let omitted) = allowance.withLock({ $0.line(now: now()) }) else { return }
        tell(omitted)
        logger.info("backend output", metadata: ["stream": "\(stream.rawValue)", "line": "\(line)"])
    }

    /// The process is gone.
    func finish() {
        tell(allowance.withLock { $0.takeOmitted() })
    }

    private func tell(_ omitted: Int) {
        guard omitted > 0 else { return }
        logger.warning("backend output left out: too much of it", metadata: ["lines": "\(omitted)"])
    }
}
