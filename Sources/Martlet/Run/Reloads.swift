import Logging
import MartletConsole
import MartletGateway
import MartletTelemetry
import Synchronization
import UnixSignals

/// Who asked for a reload, one after the other: two at the same time would undo each other.
final class Reloads: Sendable {
    struct Request: Sendable {
        let answer: @Sendable (ReloadResult) -> Void
    }

    let requests: AsyncStream<Request>
    private let queue: AsyncStream<Request>.Continuation

    init() {
        (requests, queue) = AsyncStream.makeStream()
    }

    /// Asks, and waits for what comes of it.
    func ask() async -> ReloadResult {
        await withCheckedContinuation { continuation in
            queue.yield(Request { continuation.resume(returning: $0) })
        }
    }

    /// SIGHUP asks as well; what comes of it is in the log.
    func hear(_ signals: UnixSignalsSequence) async {
        for await _ in signals { queue.yield(Request { _ in }) }
    }
}

extension Server {
    /// Answers requests until the task is cancelled.
    func reload(from source: ConfigurationSource?) async {
        for await request in reloads.requests { request.answer(await reload(from: source)) }
    }

    private func reload(from source: ConfigurationSource?) async -> ReloadResult {
        // Whatever becomes of the rest: logrotate has moved the file away.
        live.withLock { $0.accessLog }?.reopen()
        guard let source else { return .unchanged }
        guard !readiness.isDraining else { return .refused("the server is told to stop") }
        do {
            let loaded = try source.read()
            let former = live.withLock { $0.configuration }
            try await apply(loaded.configuration)
            source.keep(loaded)
            let waiting = loaded.configuration.keysThatNeedARestart(since: former)
            logger.notice("configuration reloaded", metadata: ["needs_restart": "\(waiting.joined(separator: " "))"])
            return .done(needsRestart: waiting)
        } catch {
            logger.error("the configuration was not reloaded; the former one stays", metadata: ["error": "\(error)"])
            return .refused("\(error)")
        }
    }
}

extension Configuration {
    /// What differs from `former` and is read only at the start.
    func keysThatNeedARestart(since former: Configuration) -> [String] {
        var keys: [String] = []
        if threads != former.threads { keys.append("threads") }
        if limits.openFiles != former.limits.openFiles { keys.append("limits.open_files") }
        return keys
    }
}
