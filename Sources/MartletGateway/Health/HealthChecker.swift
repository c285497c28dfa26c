package import Logging
import MartletBase
package import MartletExchange
import MartletLogic
package import MartletNet
import MartletWire
package import NIOCore
import Synchronization

/// Active checks: asks every target of a pool whether it can serve, and tells the pool.
///
/// A target is due when its interval has passed; one that is down is due every second, whatever the interval says, so
/// that it serves again soon after it recovered.
package struct HealthChecker: Sendable {
    private let pool: Pool
    private let client: HTTPClient
    private let loop: any EventLoop
    private let logger: Logger

    /// - Parameter loop: Sees whether a target is due.
    package init(pool: Pool, client: HTTPClient, on loop: any EventLoop, logger: Logger) {
        self.pool = pool
        self.client = client
        self.loop = loop
        self.logger = logger
    }

    /// Checks until the task is cancelled or the pool is retired.
    package func run() async {
        while !Task.isCancelled, !pool.isRetired { await check(by: pool.policy.health) }
    }

    /// Until these rules hold no longer.
    private func check(by policy: HealthPolicy) async {
        let mode = CheckModeBox(policy)
        let holds = { @Sendable [pool] in pool.policy.health == policy && !pool.isRetired }
        let finds = loop.finds(every: .milliseconds(200)) { [pool] in
            !holds() || policy.kind != .off && pool.targets.contains { mode.isDue($0, in: pool, .current) }
        }
        await withDiscardingTaskGroup { checks in
            for await _ in finds {
                guard holds() else { return checks.cancelAll() }
                let targets = pool.targets
                mode.keep(targets)
                for target in targets where mode.begin(target, in: pool, .current) {
                    checks.addTask { await check(target, mode, count: targets.count) }
                }
            }
        }
    }

    private func check(_ target: Target, _ mode: CheckModeBox, count: Int) async {
        let passed = await probe(target, mode, count: count)
        // A check that was called off in the middle says nothing.
        if !Task.isCancelled { pool.probe(target, passed: passed, now: .current) }
        mode.end(target.id)
    }

    private func probe(_ target: Target, _ mode: CheckModeBox, count: Int) async -> Bool {
        // What is no place on a network tells by itself when it goes.
        guard let address = target.address else { return true }
        let policy = mode.policy
        guard mode.withLock({ $0.kind }) == .http, let url = try? HTTPURL("\(target.origin)\(policy.path)") else {
            return await client.connects(to: address, timeout: policy.timeout)
        }
        do {
            let reply = try await client.request(
                .get, url, headers: target.edits.fields, timeout: policy.timeout, maxBody: 64 << 10,
                at: address, tls: target.tls)
            switch mode.withLock({ $0.answered(target.id, status: reply.status, of: count) }) {
            case .passed: return true
            case .failed: return false
            case .passedByFallingBackToTCP:
                logger.warning(
                    "health path answers 404 on every target: checking by connecting alone",
                    metadata: ["pool": "\(pool.name)", "path": "\(policy.path)"])
                return true
            }
        } catch {
            mode.withLock { $0.unreachable(target.id) }
            return false
        }
    }
}

/// How the pool is checked, shared by its checks in flight.
private final class CheckModeBox: Sendable {
    private struct State {
        var mode: CheckMode
        var running: Set<TargetID> = []
        /// When each target's last check began.
        var begun: [TargetID: Instant] = [:]
    }

    let policy: HealthPolicy
    private let state: Mutex<State>

    init(_ policy: HealthPolicy) {
        self.policy = policy
        state = Mutex(State(mode: CheckMode(policy)))
    }

    /// Whether it is to be checked now, and its last check is over. Asked anew each time: a target that went down since
    /// then is due sooner.
    func isDue(_ target: Target, in pool: Pool, _ now: Instant) -> Bool {
        let (isRunning, begun) = state.withLock { ($0.running.contains(target.id), $0.begun[target.id]) }
        guard !isRunning, let begun else { return !isRunning }
        return begun + pool.probeInterval(target.id, now: now) <= now
    }

    /// False: it is not due.
    func begin(_ target: Target, in pool: Pool, _ now: Instant) -> Bool {
        guard isDue(target, in: pool, now) else { return false }
        state.withLock { state in
            state.running.insert(target.id)
            state.begun[target.id] = now
        }
        return true
    }

    func end(_ target: TargetID) { state.withLock { _ = $0.running.remove(target) } }

    /// Forgets all others.
    func keep(_ targets: [Target]) {
        state.withLock { state in
            for gone in Set(state.begun.keys).subtracting(targets.map(\.id)) {
                state.begun[gone] = nil
                state.mode.removed(gone)
            }
        }
    }

    func withLock<Value>(_ body: (inout CheckMode) -> sending Value) -> sending Value {
        state.withLock { body(&$0.mode) }
    }
}
