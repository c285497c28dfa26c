import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletWorkers

/// Turns what managed backends announce into membership of pools.
///
/// Announcements, reloads and farewells are steps of one stream, each carried out whole before the next: a backend that
/// gets ready in the middle of a reload is neither lost nor there twice, and a former one leaves after its successor
/// came.
actor BackendGlue {
    private typealias Step = @Sendable (isolated BackendGlue) async -> Void

    private nonisolated let steps: AsyncStream<Step>
    private nonisolated let queue: AsyncStream<Step>.Continuation
    private let membership: Membership
    private var targets: [String: [Plan.BackendTarget]]
    /// Those that serve and are not to go, and where.
    private var ports: [BackendIdentity: Int?] = [:]
    private var hopeful: Set<String> = []
    private var groups = GroupTargets()
    /// Targets of groups that another one took the place of, until the last of their workers may go.
    private var departed: [ObjectIdentifier: [(pool: Pool, target: TargetID)]] = [:]
    /// Nothing is announced any more.
    private var isOver = false

    init(targets: [String: [Plan.BackendTarget]], membership: Membership) {
        self.targets = targets
        self.membership = membership
        (steps, queue) = AsyncStream.makeStream()
    }

    /// Any thread; taken in by `run`.
    nonisolated func announce(_ event: BackendEvent) {
        queue.yield { await $0.take(event) }
    }

    /// Carries out one step after the other until the task is cancelled.
    func run() async {
        for await step in steps { await step(self) }
        isOver = true
    }

    /// Another configuration holds: its targets come, those of `specs` and those that the backends which serve already
    /// are in it. Answers those that it no longer asks for, which must be dismissed. `patience` as of ``Membership``.
    nonisolated func adopt(
        _ targets: [String: [Plan.BackendTarget]], besides specs: [Membership.Wanted], patience: Duration? = nil
    ) async -> Membership.Leaving {
        await inTurn { await $0.bringIn(targets, besides: specs, patience: patience) }
    }

    /// An instance is to go: no new requests for it from now on. Returns when it holds none, or after `limit`.
    nonisolated func letGo(_ instance: BackendIdentity, within limit: Duration) async {
        while await inTurn({ $0.isNeeded(instance) }) {
            guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { return }
        }
        let leaving = await inTurn { await $0.takeOut(instance) }
        let end = Instant.current + limit
        while Instant.current < end, leaving.contains(where: { !$0.pool.isEmpty($0.target) }) {
            guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { return }
        }
    }

    // MARK: Inside

    /// Carries out `work` after all that was asked for before; at once when nobody runs any more, at the server's end.
    private nonisolated func inTurn<Value: Sendable>(
        _ work: @escaping @Sendable (isolated BackendGlue) async -> Value
    ) async -> Value {
        let done: Value? = await withCheckedContinuation { continuation in
            let step: Step = { continuation.resume(returning: await work($0)) }
            if case .terminated = queue.yield(step) { continuation.resume(returning: nil) }
        }
        if let done { return done }
        return await work(self)
    }

    private func take(_ event: BackendEvent) async {
        switch event {
        case .ready(let instance, let port):
            ports[instance] = .some(port)
            for wanted in wanted(instance, port: port) {
                await membership.add(wanted.spec, to: wanted.pool, source: wanted.source)
            }
            if let group = workers(of: instance.backend) {
                groups.came(instance, wanted: group, in: head(of: instance.backend))
                await settleGroup(of: instance.backend)
            }
            expect()
        case .gone(let instance, _, _):
            await takeOut(instance)
        case .hopeful(let backends):
            hopeful = backends
            expect()
        }
    }

    private func bringIn(
        _ targets: [String: [Plan.BackendTarget]], besides specs: [Membership.Wanted], patience: Duration?
    ) async -> Membership.Leaving {
        let former = self.targets.values.joined().map(\.pool)
        self.targets = targets
        expect()
        var managed = ports.flatMap { wanted($0.key, port: $0.value) }
        for backend in Set(ports.keys.map { head(of: $0.backend) }) {
            let wanted = group(of: backend)
            if let present = groups.choose(backend, wanted: wanted?.group).present, let pool = wanted?.pool {
                managed.append(target(present, of: backend, in: pool))
            }
        }
        let leaving = await membership.bringIn(specs + managed, patience: patience)
        let present = targets.values.joined().map(\.pool)
        // Not before their other targets came: who waits in them may have one of those.
        for pool in former where !present.contains(where: { $0 === pool }) {
            pool.expectTargets(false, now: .current)
        }
        return leaving
    }

    @discardableResult
    private func takeOut(_ instance: BackendIdentity) async -> [(pool: Pool, target: TargetID)] {
        ports[instance] = nil
        // Before its targets go, for those who come in between; and after, for those who waited and have nobody left.
        expect()
        let hasFixedPort = targets[instance.backend]?.contains(where: \.hasFixedPort) == true
        var leaving = await membership.removeAll(from: .backend(instance), isComingBack: hasFixedPort)
        let emptied = groups.left(instance)
        leaving += await settleGroup(of: instance.backend)
        // A former group gets no other worker.
        if let emptied, emptied !== workers(of: instance.backend) { emptied.hope(false) }
        if let emptied { leaving += departed.removeValue(forKey: ObjectIdentifier(emptied)) ?? [] }
        expect()
        return leaving
    }

    /// Whoever is to stand for the workers of `backend` from now on does; answers what those had who did until now.
    @discardableResult
    private func settleGroup(of instances: String) async -> [(pool: Pool, target: TargetID)] {
        let backend = head(of: instances)
        guard let wanted = group(of: backend) else { return [] }
        let change = groups.choose(backend, wanted: wanted.group)
        guard !change.isNone else { return [] }
        if let present = change.present {
            let coming = target(present, of: backend, in: wanted.pool)
            await membership.add(coming.spec, to: coming.pool, source: coming.source)
        }
        guard let former = change.former else { return [] }
        let leaving = await membership.removeAll(from: former.source)
        if change.present != nil { departed[ObjectIdentifier(former.group), default: []] += leaving }
        return leaving
    }

    /// An instance whose place another one took has to stay for a while.
    private func isNeeded(_ instance: BackendIdentity) -> Bool {
        let head = head(of: instance.backend)
        return !isOver && groups.isNeeded(instance, in: head, wanted: group(of: head)?.group)
    }

    /// The backend whose pool a backend's instances serve: its own, or that of the first stage of its pipeline.
    private func head(of backend: String) -> String {
        for target in targets[backend] ?? [] {
            if case .stage(_, let head) = target.kind { return head }
        }
        return backend
    }

    /// The group that a backend's instances are the workers of.
    private func workers(of backend: String) -> WorkerGroup? {
        for target in targets[backend] ?? [] {
            switch target.kind {
            case .group(let group), .stage(let group, _): return group
            case .server: break
            }
        }
        return nil
    }

    private func group(of backend: String) -> (group: WorkerGroup, pool: Pool)? {
        for target in targets[backend] ?? [] {
            if case .group(let group) = target.kind { return (group, target.pool) }
        }
        return nil
    }

    /// Where a backend is on its way, requests may wait for it. One that has come is not: should an operator take its
    /// targets out, nobody else is to come.
    private func expect() {
        let here = Set(ports.keys.map(\.backend))
        let coming = hopeful.subtracting(here)
        let expecting = targets.filter { coming.contains($0.key) }.values.joined().map(\.pool)
        for target in targets.values.joined() {
            target.pool.expectTargets(expecting.contains { $0 === target.pool }, now: .current)
        }
        for backend in targets.keys {
            workers(of: backend)?.hope(hopeful.contains(backend) || here.contains(backend))
        }
    }

    private func wanted(_ instance: BackendIdentity, port: Int?) -> [Membership.Wanted] {
        (targets[instance.backend] ?? []).compactMap { target -> Membership.Wanted? in
            switch target.kind {
            case .server(let settings, let keepAlive):
                guard let port,
                    let spec = try? TargetSpec(settings, origin: Origin(host: "127.0.0.1", port: port), keepAlive)
                else { return nil }
                return Membership.Wanted(spec, in: target.pool, source: .backend(instance))
            case .group, .stage: return nil
            }
        }
    }

    /// All workers of a group are one target.
    private func target(_ standing: GroupTargets.Standing, of backend: String, in pool: Pool) -> Membership.Wanted {
        var policy = TargetPolicy()
        // Its workers answer for themselves: a group is never taken out for what one of them answered.
        policy.maxFails = 0
        policy.maxInflight = max(1, standing.group.roomInAll)
        let spec = TargetSpec(standing.group, named: "workers \(backend)", policy: policy)
        return Membership.Wanted(spec, in: pool, source: standing.source)
    }
}

extension Membership.Source {
    fileprivate static func backend(_ instance: BackendIdentity) -> Membership.Source {
        .backend(instance.backend, number: instance.number)
    }
}
