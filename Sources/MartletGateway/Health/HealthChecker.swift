package import Logging
import MartletBase
package import MartletExchange
import MartletLogic
package import MartletNet
import MartletWire
import NIOCore
import Synchronization

/// Active checks: asks every target of a pool whether it can serve, and tells the pool.
///
/// A target is due when its interval has passed; one that is down is due every second, whatever the interval says, so
/// that it serves again soon after it recovered.
package struct HealthChecker: Sendable {
    private let pool: Pool
    private let client: HTTPClient
    private let logger: Logger

    package init(pool: Pool, client: HTTPClient, logger: Logger) {
        self.pool = pool
        self.client = client
        self.logger = logger
    }

    /// Checks until the task is cancelled or the pool is retired.
    package func run() async {
        while !Task.isCancelled, !pool.isRetired { await check(by: pool.policy.health) }
    }

    /// Until these rules hold no longer.
    private func check(by policy: HealthPolicy) async {
        let mode = CheckModeBox(policy)
        /// When each target's last check began.
        var begun: [TargetID: Instant] = [:]
        await withDiscardingTaskGroup { checks in
            repeat {
                guard pool.policy.health == policy, !pool.isRetired else { return checks.cancelAll() }
                guard policy.kind != .off else { continue }
                let now = Instant.current
                let targets = pool.targets
                for gone in Set(begun.keys).subtracting(targets.map(\.id)) {
                    begun[gone] = nil
                    mode.removed(gone)
                }
                for target in targets where isDue(target, begun[target.id], now) && mode.begin(target.id) {
                    begun[target.id] = now
                    checks.addTask { await check(target, mode, count: targets.count) }
                }
            } while (try? await Task.sleep(for: .milliseconds(200))) != nil
        }
    }

    /// Asked anew each time: a target that went down since its last check is due sooner.
    private func isDue(_ target: Target, _ begun: Instant?, _ now: Instant) -> Bool {
        begun.map { $0 + pool.probeInterval(target.id, now: now) <= now } ?? true
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
    }

    let policy: HealthPolicy
    private let state: Mutex<State>

    init(_ policy: HealthPolicy) {
        self.policy = policy
        state = Mutex(State(mode: CheckMode(policy)))
    }

    /// False: the target's last check is not over yet.
    func begin(_ target: TargetID) -> Bool { state.withLock { $0.running.insert(target).inserted } }

    func end(_ target: TargetID) { state.withLock { _ = $0.running.remove(target) } }

    func removed(_ target: TargetID) { state.withLock { $0.mode.removed(target) } }

    func withLock<Value>(_ body: (inout CheckMode) -> sending Value) -> sending Value {
        state.withLock { body(&$0.mode) }
    }
}
