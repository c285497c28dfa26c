package import Logging
package import MartletBase
import ServiceLifecycle
import Synchronization

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

    private struct State {
        var instances: [BackendInstance] = []
        var isStopped = false
    }

    private let surroundings: BackendSurroundings
    private let state = Mutex(State())
    private let jobs: AsyncStream<Job>
    private let queue: AsyncStream<Job>.Continuation

    private enum Job: Sendable {
        case run(BackendInstance)
        case retire(BackendInstance, LetGo)
    }

    /// Told of an instance that is to go, before it is stopped; returns when nobody needs it any more.
    package typealias LetGo = @Sendable (_ backend: String, _ instance: Int) async -> Void

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
        surroundings = BackendSurroundings(logger: logger, now: now, probe: probe, announce: announce)
        (jobs, queue) = AsyncStream.makeStream()
        apply(specs) { _, _ in }
    }

    /// Every process, in the order of the configuration.
    package func status() -> [BackendStatus] {
        state.withLock { $0.instances }.map(\.status)
    }

    /// These processes run from now on. Those whose command and rules stay as they were run on; the others are let go,
    /// then stopped, and new ones started at once.
    package func apply(_ specs: [BackendSpec], letGo: @escaping LetGo) {
        state.withLock { state in
            guard !state.isStopped else { return }
            var rest = state.instances
            state.instances = specs.flatMap { spec in
                (0..<max(0, spec.instances)).map { index in
                    if let same = rest.firstIndex(where: { $0.runs(spec, as: index) }) { return rest.remove(at: same) }
                    let instance = BackendInstance(spec: spec, index: index, surroundings: surroundings)
                    queue.yield(.run(instance))
                    return instance
                }
            }
            for leaving in rest {
                leaving.retire()
                queue.yield(.retire(leaving, letGo))
            }
            state.instances += rest
        }
    }

    /// Stops every process in good order (SIGTERM, then SIGKILL after the grace); ``run()`` returns when all are gone.
    package func stop() {
        let instances = state.withLock { state in
            state.isStopped = true
            return state.instances
        }
        for instance in instances { instance.stop() }
        queue.finish()
    }

    /// Runs all processes until ``stop()``, a graceful shutdown or the cancellation of the task, each of which stops
    /// them in good order first.
    package func run() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            // Shielded: a cancelled task could neither wait for the processes' ends nor read what they print meanwhile.
            await Task {
                await withDiscardingTaskGroup { tasks in
                    for await job in jobs { tasks.addTask { await self.carryOut(job) } }
                }
            }.value
        } onCancelOrGracefulShutdown: {
            self.stop()
        }
    }

    private func carryOut(_ job: Job) async {
        switch job {
        case .run(let instance):
            await instance.run()
            state.withLock { state in state.instances.removeAll { $0 === instance && $0.isRetired } }
        case .retire(let instance, let letGo):
            await letGo(instance.name, instance.index)
            instance.stop()
        }
    }
}
