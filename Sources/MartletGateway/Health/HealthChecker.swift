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

    /// Checks until the task is cancelled.
    package func run() async {
        let policy = pool.policy.health
        guard policy.kind != .off else { return }
        let mode = CheckModeBox(policy)
        var due: [TargetID: Instant] = [:]
        await withDiscardingTaskGroup { checks in
            repeat {
                let now = Instant.current
                let targets = pool.targets
                for gone in Set(due.keys).subtracting(targets.map(\.id)) {
                    due[gone] = nil
                    mode.withLock { $0.removed(gone) }
                }
                for target in targets where due[target.id] ?? now <= now {
                    // Until this check is over the target is not due again.
                    due[target.id] = now + pool.probeInterval(target.id, now: now)
                    checks.addTask { await check(target, mode, count: targets.count) }
                }
            } while (try? await Task.sleep(for: .milliseconds(200))) != nil
        }
    }

    private func check(_ target: Target, _ mode: CheckModeBox, count: Int) async {
        let passed = await probe(target, mode, count: count)
        pool.probe(target, passed: passed, now: .current)
    }

    private func probe(_ target: Target, _ mode: CheckModeBox, count: Int) async -> Bool {
        let policy = pool.policy.health
        guard mode.withLock({ $0.kind }) == .http, let url = try? HTTPURL("\(target.origin)\(policy.path)") else {
            return await client.connects(to: target.address, timeout: policy.timeout)
        }
        do {
            let reply = try await client.request(
                .get, url, timeout: policy.timeout, maxBody: 64 << 10, at: target.address, tls: target.tls)
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
    private let mode: Mutex<CheckMode>

    init(_ policy: HealthPolicy) {
        mode = Mutex(CheckMode(policy))
    }

    func withLock<Value>(_ body: (inout CheckMode) -> sending Value) -> sending Value { mode.withLock { body(&$0) } }
}
