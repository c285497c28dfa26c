import Logging
import MartletBase
import MartletLogic
import MartletNet
import Synchronization

/// Makes log lines of what the processes of one instance print, no more than its ``OutputAllowance``: one that keeps
/// dying does not get another with each life.
final class BackendOutput: Sendable {
    private let logger: Logger
    private let now: @Sendable () -> Instant
    private let pause: Duration
    private let allowance: Mutex<OutputAllowance>
    /// Lines began to be left out.
    private let gaps: AsyncStream<Void>
    private let gap: AsyncStream<Void>.Continuation

    /// - Parameter pause: Within so long it is told that lines were left out, should nothing more be printed.
    init(logger: Logger, now: @escaping @Sendable () -> Instant, pause: Duration = .seconds(2)) {
        self.logger = logger
        self.now = now
        self.pause = pause
        allowance = Mutex(OutputAllowance(now: now()))
        (gaps, gap) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func log(_ line: String, from stream: ChildStream) {
        log("backend output", line, more: ["stream": "\(stream.rawValue)"])
    }

    /// What it says by other ways counts as well.
    func log(_ message: Logger.Message, _ line: String, level: Logger.Level = .info, more: Logger.Metadata = [:]) {
        let (verdict, isFirst) = allowance.withLock { allowance in
            (allowance.line(now: now()), allowance.omitted == 1)
        }
        guard case .log(let omitted) = verdict else {
            if isFirst { gap.yield() }
            return
        }
        tell(omitted)
        logger.log(level: level, message, metadata: more.merging(["line": "\(line)"]) { $1 })
    }

    /// Tells what was left out soon after, until the task is cancelled.
    func tellOfGaps() async {
        for await _ in gaps {
            try? await Task.sleep(for: pause)
            tellOmitted()
        }
    }

    /// A process is gone, or a while went by.
    func tellOmitted() {
        tell(allowance.withLock { $0.takeOmitted() })
    }

    private func tell(_ omitted: Int) {
        guard omitted > 0 else { return }
        logger.warning("backend output left out: too much of it", metadata: ["lines": "\(omitted)"])
    }
}
