import Foundation
import Logging
import MartletBase
import MartletExchange
import MartletNet
import MartletTasks
import ServiceLifecycle

/// A worker of tasks as long as the server runs. The last of the services, so that the first to end: what runs needs
/// processes, pools and the dispatcher until it is over.
struct TaskService: Service {
    let worker: TaskWorker
    /// To be closed at the end.
    let brokers: [TaskBroker]
    /// What has to be there before tasks are taken.
    let pools: [Pool]
    let haste: Haste
    /// Told once tasks are taken.
    let ready: @Sendable () -> Void
    let logger: Logger

    func run() async throws {
        defer { logger.notice("the worker has ended", metadata: ["worker": "\(worker.settings.name)"]) }
        await cancelWhenGracefulShutdown { await untilUsable() }
        do {
            try await work()
            await close()
        } catch {
            await close()
            // Whoever cancels it knows.
            guard !(error is CancellationError) else { return }
            logger.critical("the worker cannot go on", metadata: ["error": "\(error)"])
            throw error
        }
    }

    private func close() async {
        for broker in brokers { await broker.close() }
    }

    private func work() async throws {
        guard !Task.isShuttingDownGracefully else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Ends when it is drained, by us or by remote control.
            group.addTask { try await worker.run() }
            group.addTask {
                ready()
                try await gracefulShutdown()
                await worker.drain()
                while !haste.isMade { try await Task.sleep(for: .milliseconds(50)) }
            }
            // Whoever is asked twice does not wait for what runs: its leases end, and others get it.
            try await group.next()
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
    }

    /// Tasks that are taken before a process can run them would only be kept from others.
    private func untilUsable() async {
        while !pools.allSatisfy({ $0.isUsable(now: .current) }) {
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return }
        }
    }
}
