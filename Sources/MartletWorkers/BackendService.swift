package import Logging
package import MartletBase
import ServiceLifecycle

/// Runs the processes of `backends:` and keeps them running: starts them, waits until they are ready, replaces those
/// that die or hang, stops them in good order.
///
/// ```swift
/// let backends = BackendService(specs, logger: logger, now: clock.now, probe: client.isReady) { event in … }
/// try await backends.run()
/// ```
package final class BackendService: Sendable {
    /// Asks `http://host:port/path` and says whether the answer was a 2xx within the time given.
    package typealias Probe =
        @Sendable (_ host: String, _ port: Int, _ path: String, _ timeout: Duration) async -> Bool

    private let instances: [BackendInstance]

    /// - Parameters:
    ///   - now: The monotonic clock.
    ///   - probe: The ready check.
    ///   - announce: Hears when an instance serves and when it no longer does, in that order for each instance. Called
    ///     from background tasks; must not block.
    package init(
        _ specs: [BackendSpec],
        logger: Logger,
        now: @escaping @Sendable () -> Instant,
        probe: @escaping Probe,
        announce: @escaping @Sendable (BackendEvent) -> Void
    ) {
        let surroundings = BackendSurroundings(logger: logger, now: now, probe: probe, announce: announce)
        instances = specs.flatMap { spec in
            (0..<max(0, spec.instances)).map { BackendInstance(spec: spec, index: $0, surroundings: surroundings) }
        }
    }

    /// Every process, in the order of the configuration.
    package func status() -> [BackendStatus] {
        instances.map(\.status)
    }

    /// Stops every process in good order (SIGTERM, then SIGKILL after the grace); ``run()`` returns when all are gone.
    package func stop() {
        for instance in instances { instance.stop() }
    }

    /// Runs all processes until ``stop()``, a graceful shutdown or the cancellation of the task, each of which stops
    /// them in good order first.
    package func run() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            // Shielded: a cancelled task could neither wait for the processes' ends nor read what they print meanwhile.
            await Task { [instances] in
                await withDiscardingTaskGroup { tasks in
                    for instance in instances {
                        tasks.addTask { await instance.run() }
                    }
                }
            }.value
        } onCancelOrGracefulShutdown: {
            self.stop()
        }
    }
}
