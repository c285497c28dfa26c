import Logging
import MartletConsole
import MartletGateway
import MartletTelemetry
import Synchronization
import UnixSignals

/// Who asked for a reload, one after the other: two at the same time would undo each other. Everybody is answered, who
/// asks when nobody reloads any more too.
final class Reloads: Sendable {
    private typealias Answer = @Sendable (ReloadResult) -> Void

    private struct State {
        var waiting: [Answer] = []
        var isOver = false
    }

    private let state = Mutex(State())
    private let requests: AsyncStream<Void>
    private let knock: AsyncStream<Void>.Continuation

    init() {
        (requests, knock) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Asks, and waits for what comes of it.
    func ask() async -> ReloadResult {
        await withCheckedContinuation { continuation in
            ask { continuation.resume(returning: $0) }
        }
    }

    /// SIGHUP asks as well; what comes of it is in the log.
    func hear(_ signals: UnixSignalsSequence) async {
        for await _ in signals { ask { _ in } }
    }

    private func ask(_ answer: @escaping Answer) {
        let isOver = state.withLock { state in
            if !state.isOver { state.waiting.append(answer) }
            return state.isOver
        }
        if isOver { answer(.stopping) } else { knock.yield() }
    }

    /// Answers with what `reload` says, until the task is cancelled.
    func answer(with reload: () async -> ReloadResult) async {
        for await _ in requests {
            while let answer = next() { answer(await reload()) }
        }
        let left = state.withLock { state in
            state.isOver = true
            return state.waiting
        }
        for answer in left { answer(.stopping) }
    }

    private func next() -> Answer? {
        state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
    }
}

extension ReloadResult {
    fileprivate static let stopping = ReloadResult.refused("the server is told to stop")
}

extension Server {
    /// Answers requests until the task is cancelled.
    func reload(from source: ConfigurationSource?) async {
        await reloads.answer { await self.reload(from: source) }
    }

    private func reload(from source: ConfigurationSource?) async -> ReloadResult {
        // Whatever becomes of the rest: logrotate has moved the file away.
        live.withLock { $0.accessLog }?.reopen()
        guard let source else { return .unchanged }
        guard !readiness.isDraining else { return .stopping }
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
