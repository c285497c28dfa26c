import Logging
import MartletGateway
import MartletNet
import MartletWorkers

/// Turns what managed backends announce into membership of pools, in the order it was announced.
final class BackendGlue: Sendable {
    private let announcements: AsyncStream<BackendEvent>.Continuation

    init(plan: Plan, membership: Membership, logger: Logger) {
        let (events, continuation) = AsyncStream.makeStream(of: BackendEvent.self)
        announcements = continuation
        let targets = plan.backendTargets
        // Lives as long as the server: ends when the stream does.
        Task {
            for await event in events { await Self.apply(event, targets, membership, logger) }
        }
    }

    deinit {
        announcements.finish()
    }

    func announce(_ event: BackendEvent) {
        announcements.yield(event)
    }

    private static func apply(
        _ event: BackendEvent, _ targets: [String: [Plan.BackendTarget]], _ membership: Membership, _ logger: Logger
    ) async {
        switch event {
        case .ready(let backend, let instance, let port):
            let origin = Origin(host: "127.0.0.1", port: port)
            for target in targets[backend] ?? [] {
                guard let spec = try? TargetSpec(target.settings, origin: origin, target.keepAlive) else { continue }
                await membership.add(spec, to: target.pool, source: .backend(backend, instance: instance))
            }
        case .gone(let backend, let instance, _, _):
            await membership.removeAll(from: .backend(backend, instance: instance))
        }
    }
}
