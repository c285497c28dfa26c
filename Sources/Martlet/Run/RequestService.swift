import Logging
import MartletTasks
import ServiceLifecycle

/// The worker for requests to this server's routes, as long as the server runs. Whatever ends it, such as a broker that
/// takes its password no more, the gateway serves on, and the worker is begun again.
struct RequestService: Service {
    private static let pause: Duration = .seconds(5)

    let workers: WorkersAtWork
    let logger: Logger
    let begin: @Sendable () -> TaskService

    func run() async throws {
        while true {
            let service = begin()
            workers.add(service.worker)
            // It has said why.
            try? await service.run()
            workers.remove(service.worker)
            guard !Task.isCancelled, !Task.isShuttingDownGracefully else { return }
            logger.warning(
                "the worker for queued requests has ended; it is started again",
                metadata: ["worker": "\(service.worker.settings.name)", "after": "\(Self.pause)"])
            await cancelWhenGracefulShutdown { try? await Task.sleep(for: Self.pause) }
            guard !Task.isCancelled, !Task.isShuttingDownGracefully else { return }
        }
    }
}
