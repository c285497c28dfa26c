package import Logging
package import MartletBase
import MartletLogic
import MartletNet
import MartletTelemetry
package import NIOCore
import ServiceLifecycle
import Synchronization

/// Runs the processes of `backends:` and keeps them running: starts them, waits until they are ready, replaces those
/// that die or hang, stops them in good order.
///
/// ```swift
/// let backends = BackendService(specs, on: loop, logger: logger, now: clock.now, probe: client.isReady) { … }
/// try await backends.run()
/// ```
package final class BackendService: Sendable {
    /// Asks `http://host:port/path` and says whether the answer was a 2xx within the time given.
    package typealias Probe =
        @Sendable (_ host: String, _ port: Int, _ path: String, _ timeout: Duration) async -> Bool

    /// Told of an instance that is to go, before it is stopped; returns when nobody needs it any more.
    package typealias LetGo = @Sendable (BackendIdentity) async -> Void

    /// How long a worker that is replaced may go on with what it has.
    private static let drainLimit: Duration = .seconds(600)
    /// Between two looks at what processes hold.
    private static let lookEvery: Duration = .milliseconds(200)

    private struct State {
        var roster = BackendRoster<ManagedProcess>()
        /// One for each member of the roster.
        var instances: [Int: BackendInstance] = [:]
        /// What the configuration asks for.
        var processes: [ManagedProcess] = []
        var letGo: LetGo = { _ in }
        /// Processes that were replaced although they served.
        var recycled: [String: [RecycleReason: Int]] = [:]
        /// What was announced last.
        var hopeful: Set<String> = []

        var wanted: [BackendRoster<ManagedProcess>.Wanted] {
            processes.flatMap { process in
                (0..<max(0, process.spec.instances)).map { index in
                    let single = process.single(index)
                    return .init(
                        slot: .init(backend: process.spec.name, index: index), spec: single, port: single.spec.port)
                }
            }
        }

        /// Those that have no instance until somebody asks for them.
        var resting: [String] { processes.filter { $0.spec.instances == 0 }.map(\.spec.name) }

        func status() -> [BackendStatus] {
            roster.members.compactMap { member in
                var status = instances[member.id]?.status
                status?.isOutgoing = !member.isWanted
                return status
            }
        }
    }

    private enum Job: Sendable {
        case run(BackendInstance)
        case retire(BackendInstance, LetGo)
    }

    private let surroundings: BackendSurroundings
    private let loop: any EventLoop
    private let announce: @Sendable (BackendEvent) -> Void
    private let state = Mutex(State())
    private let jobs: AsyncStream<Job>
    private let queue: AsyncStream<Job>.Continuation

    /// - Parameters:
    ///   - loop: Sees whether a process is to be looked at.
    ///   - now: The monotonic clock.
    ///   - withheld: Variables of our environment that the processes do not inherit.
    ///   - probe: The ready check.
    ///   - announce: Hears when an instance serves and when it no longer does, in that order for each instance. Called
    ///     from background tasks; must not block, nor call back.
    package init(
        _ specs: [BackendSpec],
        on loop: any EventLoop,
        logger: Logger,
        now: @escaping @Sendable () -> Instant,
        withheld: [String] = [],
        probe: @escaping Probe,
        announce: @escaping @Sendable (BackendEvent) -> Void
    ) {
        surroundings = BackendSurroundings(logger: logger, now: now, probe: probe, withheld: withheld)
        self.loop = loop
        self.announce = announce
        (jobs, queue) = AsyncStream.makeStream()
        apply(specs) { _ in }
    }

    /// Every process, in the order of the configuration; those that it no longer asks for come last.
    package func status() -> [BackendStatus] {
        state.withLock { $0.status() }
    }

    /// These processes run from now on. Those whose command and rules stay as they were run on. The others are let go,
    /// then stopped, as soon as those that take their places serve, see ``BackendRoster``.
    package func apply(_ specs: [BackendSpec], workers: [ManagedProcess] = [], letGo: @escaping LetGo) {
        change { state in
            state.processes = specs.map { ManagedProcess($0) } + workers
            state.letGo = letGo
            let wanted = state.wanted
            surroundings.ports.reserve(Set(wanted.compactMap(\.port)))
            return state.roster.adopt(wanted)
        }
    }

    /// So many instances of `backend` run from now on, until the next configuration. Those that are too many are let
    /// go; the last ones go first.
    package func resize(_ backend: String, to instances: Int) {
        change { state in
            guard let index = state.processes.firstIndex(where: { $0.spec.name == backend }),
                state.processes[index].spec.instances != instances
            else { return [] }
            state.processes[index].spec.instances = instances
            return state.roster.adopt(state.wanted)
        }
    }

    /// Every group of workers, in the order of the configuration. Reads `/proc`: not for an event loop.
    package func groups() -> [GroupReading] {
        let (processes, status, recycled) = state.withLock { ($0.processes, $0.status(), $0.recycled) }
        return processes.compactMap { process in
            guard let group = process.worker?.group else { return nil }
            let name = process.spec.name
            let own = status.filter { $0.backend == name }
            let requests = group.requests
            return GroupReading(
                name: name, wanted: process.spec.instances,
                ready: own.count { $0.state == "ready" && !$0.isOutgoing },
                waiting: requests.waiting, computing: requests.inHand,
                workers: own.compactMap { worker in
                    worker.pid.flatMap { ProcessVitals(of: $0) }
                        .map { GroupReading.Worker(instance: worker.instance, vitals: $0) }
                },
                recycled: recycled[name] ?? [:], lying: group.lying, compute: group.compute,
                figures: group.figures.rows)
        }
    }

    /// Stops every process in good order (SIGTERM, then SIGKILL after the grace); ``run()`` returns when all are gone.
    package func stop() {
        change { $0.roster.stop() }
        queue.finish()
    }

    /// As ``stop()``, and none gets time to end (SIGKILL).
    package func hurry() {
        stop()
        state.withLock { state in
            for instance in state.instances.values { instance.hurry() }
        }
    }

    // MARK: Inside

    /// Lets the roster decide, and carries out what it decided.
    private func change(_ decide: (inout State) -> [BackendRoster<ManagedProcess>.Action]) {
        state.withLock { state in
            let actions = decide(&state)
            let former = state.instances
            state.instances = [:]
            for member in state.roster.members {
                state.instances[member.id] = former[member.id] ?? instance(member)
            }
            for action in actions {
                switch action {
                case .start(let id): if let new = state.instances[id] { queue.yield(.run(new)) }
                case .letGo(let id): if let old = state.instances[id] { queue.yield(.retire(old, state.letGo)) }
                case .stop(let id): state.instances[id]?.stop()
                }
            }
            announceHope(&state)
        }
    }

    private func instance(_ member: BackendRoster<ManagedProcess>.Member) -> BackendInstance {
        let slot = member.wanted.slot
        let identity = BackendIdentity(backend: slot.backend, instance: slot.index, number: member.id)
        return BackendInstance(identity, process: member.wanted.spec, surroundings: surroundings)
    }

    private func heard(_ news: BackendInstance.News, of instance: BackendInstance) {
        let identity = instance.identity
        switch news {
        case .ready(let port):
            announce(.ready(identity, port: port))
            change { $0.roster.ready(identity.number) }
        case .gone(let port, let reason):
            state.withLock { announceHope(&$0) }
            announce(.gone(identity, port: port, reason: reason))
        case .failed(let reason):
            guard state.withLock({ $0.roster.isHeirOfAnother(identity.number) }) else { return }
            surroundings.logger.warning(
                "the new backend does not get ready; the former one serves on",
                metadata: [
                    "backend": "\(identity.backend)", "instance": "\(identity.instance)", "reason": "\(reason)",
                ])
        case .changed:
            state.withLock { announceHope(&$0) }
        }
    }

    /// Under the lock, so that the last word is the true one.
    private func announceHope(_ state: inout State) {
        let hopeful = Set(state.status().filter { $0.isHopeful && !$0.isOutgoing }.map(\.backend) + state.resting)
        guard hopeful != state.hopeful else { return }
        state.hopeful = hopeful
        announce(.hopeful(hopeful))
    }

    /// Runs all processes until ``stop()``, a graceful shutdown or the cancellation of the task, each of which stops
    /// them in good order first.
    package func run() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            // Shielded: a cancelled task could neither wait for the processes' ends nor read what they print meanwhile.
            await Task {
                await withDiscardingTaskGroup { tasks in
                    let watch = Task { await self.watchWear() }
                    for await job in jobs { tasks.addTask { await self.carryOut(job) } }
                    watch.cancel()
                }
            }.value
        } onCancelOrGracefulShutdown: {
            self.stop()
        }
    }

    /// Replaces processes that are worn, until it is cancelled.
    private func watchWear() async {
        let instances = { @Sendable [self] in state.withLock { Array($0.instances.values) } }
        for await _ in loop.finds(every: Self.lookEvery, { instances().contains { $0.mayBeWorn } }) {
            for instance in instances() {
                if let wear = instance.wear() { renew(instance, wear) }
            }
        }
    }

    private func renew(_ instance: BackendInstance, _ wear: Wear) {
        let identity = instance.identity
        var isRenewed = false
        change { state in
            guard let actions = state.roster.renew(identity.number) else { return [] }
            isRenewed = true
            state.recycled[identity.backend, default: [:]][wear.reason, default: 0] += 1
            return actions
        }
        guard isRenewed else { return }
        surroundings.logger.notice(
            "worker is recycled",
            metadata: [
                "backend": "\(identity.backend)", "instance": "\(identity.instance)", "reason": "\(wear.reason)",
                "served": "\(wear.sample.served)", "resident_bytes": "\(wear.sample.residentBytes)",
                "descriptors": "\(wear.sample.descriptors)", "limit": "\(wear.sample.limit)",
            ])
    }

    private func carryOut(_ job: Job) async {
        switch job {
        case .run(let instance):
            await instance.run { [self] news in heard(news, of: instance) }
            change { $0.roster.ended(instance.identity.number) }
        case .retire(let instance, let letGo):
            instance.retire()
            await letGo(instance.identity)
            await instance.drain(within: Self.drainLimit)
            instance.stop()
        }
    }
}
