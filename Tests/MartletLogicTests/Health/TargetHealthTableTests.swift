import MartletBase
import Testing

@testable import MartletLogic

/// Every event in every state: what the target's standing is right after it.
@Suite struct TargetHealthTableTests {
    enum Start: String, CaseIterable {
        case up, oneFailure, ejected, ejectionOver, ejectedTrial, breakerOpen, breakerOver, breakerTrial, checkDown
        case held, draining, removed
    }

    enum Event: String, CaseIterable {
        case success, failure, rateLimit, deadline, neutral, checkPassed, checksFailed, time
    }

    /// `max_fails` 2, `fail_timeout` 30 s; breaker of half of four; one passing check is enough, two failing are.
    static func machine(maxFails: Int = 2) -> TargetHealth {
        var checks = HealthPolicy()
        checks.healthy = 1
        checks.unhealthy = 2
        var breaker = BreakerPolicy()
        breaker.minimum = 4
        let policy = TargetPolicy.with {
            $0.maxFails = maxFails
            $0.failTimeout = .seconds(30)
        }
        return TargetHealth(policy, checks: checks, breaker: breaker)
    }

    /// A machine in that state; the event comes at second 10, except for the ones that need time to pass.
    static func begin(_ start: Start) -> (health: TargetHealth, now: Double) {
        let usesBreaker = [.breakerOpen, .breakerOver, .breakerTrial].contains(start)
        var health = machine(maxFails: usesBreaker ? 0 : 2)
        let failures =
            switch start {
            case .oneFailure: 1
            case .ejected, .ejectionOver, .ejectedTrial: 2
            case .breakerOpen, .breakerOver, .breakerTrial: 4
            default: 0
            }
        for _ in 0..<failures { health.failed(.connect, now: at(9)) }
        switch start {
        case .ejectionOver, .breakerOver: return (health, 40)
        case .ejectedTrial, .breakerTrial:
            health.began(now: at(40))
            return (health, 41)
        case .checkDown:
            health.checkFailed(now: at(5))
            health.checkFailed(now: at(9))
        case .held: health.failed(.status429, retryAfter: .seconds(20), now: at(9))
        case .draining: health.operatorState = .draining
        case .removed: health.operatorState = .removed
        default: break
        }
        return (health, 10)
    }

    static func apply(_ event: Event, to health: inout TargetHealth, now: Double) -> TargetState {
        switch event {
        case .success: health.succeeded(now: at(now))
        case .failure: health.failed(.reset, now: at(now))
        case .rateLimit: health.failed(.status429, retryAfter: .seconds(5), now: at(now))
        case .deadline: health.failed(.deadline, now: at(now))
        case .neutral: health.ended(now: at(now))
        case .checkPassed: health.checkPassed(now: at(now))
        case .checksFailed:
            health.checkFailed(now: at(now))
            health.checkFailed(now: at(now))
        case .time: return health.state(now: at(now + 100))
        }
        return health.state(now: at(now))
    }

    static let failures = TargetState.down(.failures)
    static let breaker = TargetState.down(.breaker)
    static let check = TargetState.down(.check)
    static let held = TargetState.down(.rateLimited)
    static let draining = TargetState.down(.draining)
    static let removed = TargetState.down(.removed)

    /// In the order of ``Event``: success, failure, rateLimit, deadline, neutral, checkPassed, checksFailed, time.
    static let table: [Start: [TargetState]] = [
        .up: [.up, .up, held, .up, .up, .up, check, .up],
        .oneFailure: [.up, failures, held, .up, .up, .up, check, .up],
        .ejected: [failures, failures, failures, failures, failures, .up, check, .halfOpen],
        .ejectionOver: [.halfOpen, failures, held, .halfOpen, .halfOpen, .up, check, .halfOpen],
        .ejectedTrial: [.up, failures, held, .halfOpen, .halfOpen, .up, check, .halfOpen],
        .breakerOpen: [breaker, breaker, breaker, breaker, breaker, .halfOpen, check, .halfOpen],
        .breakerOver: [.halfOpen, .halfOpen, held, .halfOpen, .halfOpen, .halfOpen, check, .halfOpen],
        .breakerTrial: [.up, breaker, held, .halfOpen, .halfOpen, breaker, check, .halfOpen],
        .checkDown: [check, check, check, check, check, .up, check, check],
        .held: [held, held, held, held, held, held, check, .up],
        .draining: [draining, draining, draining, draining, draining, draining, draining, draining],
        .removed: [removed, removed, removed, removed, removed, removed, removed, removed],
    ]

    @Test(arguments: Start.allCases) func everyEventLeadsWhereTheTableSays(start: Start) throws {
        let row = try #require(Self.table[start])
        for (event, expected) in zip(Event.allCases, row) {
            var (health, now) = Self.begin(start)
            let state = Self.apply(event, to: &health, now: now)
            #expect(state == expected, "\(event) in \(start)")
        }
    }
}
