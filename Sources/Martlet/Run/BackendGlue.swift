import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletNet
import MartletWorkers

/// Turns what managed backends announce into membership of pools, in the order it was announced.
actor BackendGlue {
    private struct Instance: Hashable {
        let backend: String
        let index: Int
    }

    private nonisolated let announcements: AsyncStream<BackendEvent>.Continuation
    private let events: AsyncStream<BackendEvent>
    private let membership: Membership
    private var targets: [String: [Plan.BackendTarget]]
    /// Those that serve, and where.
    private var ports: [Instance: Int] = [:]

    init(targets: [String: [Plan.BackendTarget]], membership: Membership) {
        self.targets = targets
        self.membership = membership
        (events, announcements) = AsyncStream.makeStream()
    }

    /// Any thread; taken in by `run`.
    nonisolated func announce(_ event: BackendEvent) {
        announcements.yield(event)
    }

    /// Takes in announcements until the task is cancelled.
    func run() async {
        for await event in events { await apply(event) }
    }

    private func apply(_ event: BackendEvent) async {
        switch event {
        case .ready(let backend, let index, let port):
            let instance = Instance(backend: backend, index: index)
            ports[instance] = port
            for wanted in wanted(instance, port: port) {
                await membership.add(wanted.spec, to: wanted.pool, source: wanted.source)
            }
        case .gone(let backend, let index, _, _):
            ports[Instance(backend: backend, index: index)] = nil
            await membership.removeAll(from: .backend(backend, instance: index))
        }
    }

    /// Another configuration holds; answers the targets that the backends which serve already are in it.
    func adopt(_ targets: [String: [Plan.BackendTarget]]) -> [Membership.Wanted] {
        self.targets = targets
        return ports.flatMap { wanted($0.key, port: $0.value) }
    }

    /// An instance is to go: no new requests for it from now on. Returns when it holds none, or after `limit`.
    func letGo(_ backend: String, _ index: Int, within limit: Duration) async {
        ports[Instance(backend: backend, index: index)] = nil
        let leaving = await membership.removeAll(from: .backend(backend, instance: index))
        let end = Instant.current + limit
        while Instant.current < end, leaving.contains(where: { !$0.pool.isEmpty($0.target) }) {
            guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { return }
        }
    }

    private func wanted(_ instance: Instance, port: Int) -> [Membership.Wanted] {
        let origin = Origin(host: "127.0.0.1", port: port)
        let source = Membership.Source.backend(instance.backend, instance: instance.index)
        return (targets[instance.backend] ?? []).compactMap { target in
            guard let spec = try? TargetSpec(target.settings, origin: origin, target.keepAlive) else { return nil }
            return Membership.Wanted(spec, in: target.pool, source: source)
        }
    }
}
