import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletNet
import NIOCore
import ServiceLifecycle

/// The orderly end. Told to stop, the process is no longer ready and takes no connection; idle clients are closed, and
/// those with a request in flight after its answer. What is left after `limits.drain`, or at a second signal, is told
/// that the server goes away.
///
/// The last of the services, so that the first to end: names, checks, clocks and managed backends work on meanwhile.
struct Drain: Service {
    let loops: LoopTable
    let listeners: Listeners
    let readiness: Readiness
    let haste: Haste
    let limit: @Sendable () -> Duration
    let logger: Logger

    /// What the connections may take to end once they were told.
    private static let farewell: Duration = .seconds(5)

    func run() async throws {
        try? await gracefulShutdown()
        readiness.isDraining = true
        defer { readiness.isDrained = true }
        await listeners.closePublic()
        let limit = limit()
        let open = await connections { $0.drain() }
        guard open > 0 else { return }
        logger.notice("draining", metadata: ["connections": "\(open)", "at_most": "\(limit.text)"])
        await wait(limit) { haste.isMade }
        let left = await connections { $0.cutOff(MartletError(.shuttingDown)) }
        guard left > 0 else { return logger.notice("drained") }
        logger.warning("connections were cut off", metadata: ["connections": "\(left)"])
        await wait(Self.farewell)
    }

    /// Until no connection is open, or the time is over.
    private func wait(_ limit: Duration, isOver: () -> Bool = { false }) async {
        let end = Instant.current + limit
        while await connections() > 0, Instant.current < end, !isOver() {
            guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { return }
        }
    }

    /// Connections of clients that were open before `change` did something to those of each loop.
    private func connections(_ change: @escaping @Sendable (OpenConnections) -> Void = { _ in }) async -> Int {
        let counts = try? await loops.map { context in
            let count = context.clients.count
            change(context.clients)
            return count
        }
        return counts?.reduce(0, +) ?? 0
    }
}
