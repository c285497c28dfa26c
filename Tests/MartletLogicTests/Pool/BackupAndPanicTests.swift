import MartletBase
import MartletLogic
import Testing

/// The pool of the article that this grew from: two primaries and a backup.
///
///     server a weight=3 max_fails=2 fail_timeout=30s;
///     server b weight=3 max_fails=2 fail_timeout=30s;
///     server c backup;
@Suite struct BackupAndPanicTests {
    private let a = TargetID(1)
    private let b = TargetID(2)
    private let c = TargetID(3)
    private let d = TargetID(4)

    private static let primary = TargetPolicy.with {
        $0.weight = 3
        $0.maxFails = 2
        $0.failTimeout = .seconds(30)
    }

    private static let backup = TargetPolicy.with { $0.isBackup = true }

    private func pool(_ targets: [(TargetID, TargetPolicy)]) -> PoolMachine {
        var policy = PoolPolicy()
        policy.balance = .roundRobin
        policy.breaker = nil
        var pool = PoolMachine(policy: policy, seed: 1)
        for (id, policy) in targets { _ = pool.add(id, policy: policy, key: UInt64(id.rawValue), now: at(0)) }
        return pool
    }

    private func seedPool() -> PoolMachine {
        pool([(a, Self.primary), (b, Self.primary), (c, Self.backup)])
    }

    /// Targets of `count` picks, each released with `result` at once.
    private func targets(
        _ pool: inout PoolMachine, _ count: Int, excluding: [TargetID] = [], now: Instant,
        _ result: AttemptResult = .success
    ) -> Set<TargetID> {
        var targets: Set<TargetID> = []
        for _ in 0..<count {
            guard let target = pool.pick(.number(0, excluding: excluding), now: now).target else { continue }
            targets.insert(target)
            _ = pool.release(target, result, now: now)
        }
        return targets
    }

    /// Fails `target` by what requests report.
    private func fail(_ target: TargetID, in pool: inout PoolMachine, times: Int = 2, now: Instant) {
        let others = [a, b, c, d].filter { $0 != target }
        for _ in 0..<times {
            guard pool.pick(.number(0, excluding: others), now: now).target == target else { continue }
            _ = pool.release(target, .failure(.connect), now: now)
        }
    }

    private func check(_ target: TargetID, in pool: inout PoolMachine, passed: Bool, now: Instant) {
        for _ in 0..<2 { _ = pool.probe(target, passed: passed, now: now) }
    }

    @Test func aBackupIdlesWhileAPrimaryCanBePicked() {
        var pool = seedPool()
        #expect(targets(&pool, 20, now: at(1)) == [a, b])
        fail(a, in: &pool, now: at(1))
        #expect(targets(&pool, 20, now: at(2)) == [b])
    }

    @Test func backupTakesOverEverythingWhenBothPrimariesAreDown() {
        var pool = seedPool()
        fail(a, in: &pool, now: at(1))
        fail(b, in: &pool, now: at(1))
        #expect(targets(&pool, 50, now: at(2)) == [c])
        #expect(!pool.status(now: at(2)).isPanicking)
    }

    @Test func primariesTakeOverAgainThroughATrialAfterFailTimeout() {
        var pool = seedPool()
        fail(a, in: &pool, now: at(1))
        fail(b, in: &pool, now: at(1))
        let first = pool.pick(.number(1), now: at(31)).target
        let second = pool.pick(.number(2), now: at(31)).target
        #expect(Set([first, second]) == [a, b])
        #expect(pool.pick(.number(3), now: at(31)).target == c)
        for target in [first, second].compactMap({ $0 }) { _ = pool.release(target, .success, now: at(32)) }
        #expect(targets(&pool, 20, now: at(32)) == [a, b])
    }

    @Test func aPassingCheckBringsAPrimaryBackAtOnce() {
        var pool = seedPool()
        fail(a, in: &pool, now: at(1))
        fail(b, in: &pool, now: at(1))
        let result = pool.probe(a, passed: true, now: at(2))
        #expect(result.change == TargetChange(target: a, from: .down(.failures), to: .up))
        #expect(targets(&pool, 20, now: at(2)) == [a])
    }

    @Test func fullPrimariesKeepTheirRequestsInTheQueue() {
        var limited = Self.primary
        limited.maxInflight = 1
        var pool = pool([(a, limited), (c, Self.backup)])
        #expect(pool.pick(.number(1), now: at(0)) == .target(a))
        #expect(pool.pick(.number(2), now: at(0)) == .queued)
        #expect(pool.release(a, .success, now: at(1)).grants == [Grant(waiter: WaiterID(2), target: a)])
    }

    @Test func aRequestThatTriedEveryPrimaryGoesToTheBackup() {
        var pool = seedPool()
        #expect(targets(&pool, 5, excluding: [a], now: at(0)) == [b])
        #expect(targets(&pool, 5, excluding: [a, b], now: at(0)) == [c])
        #expect(targets(&pool, 9, excluding: [a, b, c], now: at(0)) == [a, b])
    }

    @Test func aSingleTargetIsNeverEjectedByFailures() {
        var pool = pool([(a, Self.primary)])
        #expect(targets(&pool, 20, now: at(0), .failure(.status5xx)) == [a])
        #expect(pool.pick(.number(1), now: at(1)) == .target(a))
        #expect(pool.status(now: at(1)).isPanicking)
        _ = pool.release(a, .success, now: at(1))
        #expect(targets(&pool, 1, now: at(2)) == [a])
        #expect(!pool.status(now: at(2)).isPanicking)
    }

    @Test func aRetryInPanicRepeatsTheOnlyTargetRatherThanWaitingForNothing() {
        var pool = pool([(a, Self.primary)])
        #expect(targets(&pool, 2, now: at(0), .failure(.connect)) == [a])
        #expect(pool.pick(.number(1, excluding: [a]), now: at(1)) == .target(a))
    }

    @Test func withoutABackupNoMoreThanHalfAreEjected() {
        var pool = pool([(a, Self.primary), (b, Self.primary), (c, Self.primary), (d, Self.primary)])
        fail(a, in: &pool, now: at(1))
        fail(b, in: &pool, now: at(2))
        #expect(targets(&pool, 40, now: at(3)) == [c, d])
        fail(c, in: &pool, now: at(3))
        // The one due back first joins the last one standing.
        #expect(targets(&pool, 1, excluding: [d], now: at(4), .neutral) == [a])
        #expect(targets(&pool, 40, now: at(4), .neutral) == [a, d])
    }

    @Test func successInPanicBringsATargetBack() {
        var pool = pool([(a, Self.primary), (b, Self.primary)])
        fail(a, in: &pool, now: at(1))
        fail(b, in: &pool, now: at(1))
        #expect(targets(&pool, 1, now: at(2)).count == 1)
        #expect(pool.status(now: at(2)).targets.filter { $0.state == .up }.count == 1)
    }

    @Test func targetsKnownToBeDownArePutBackOnlyWhenNothingElseIsLeft() {
        var pool = pool([(a, Self.primary), (b, Self.primary), (c, Self.primary)])
        check(a, in: &pool, passed: false, now: at(1))
        check(b, in: &pool, passed: false, now: at(1))
        #expect(targets(&pool, 30, now: at(2)) == [c])
        check(c, in: &pool, passed: false, now: at(2))
        #expect(targets(&pool, 30, now: at(3)) == [a, b, c])
    }

    @Test func aBackupThatIsDownDoesNotKeepPanicAway() {
        var pool = seedPool()
        for target in [a, b, c] { check(target, in: &pool, passed: false, now: at(1)) }
        #expect(targets(&pool, 30, now: at(2)) == [a, b])
    }

    @Test func withEveryPrimaryDrainedTheBackupServes() {
        var pool = seedPool()
        pool.drain(a, now: at(1))
        pool.drain(b, now: at(1))
        #expect(targets(&pool, 10, now: at(2)) == [c])
        fail(c, in: &pool, times: 5, now: at(2))
        #expect(targets(&pool, 10, now: at(3)) == [c])
    }

    @Test func whoWaitsForAPrimaryThatIsDrainedGetsTheBackup() {
        var limited = Self.primary
        limited.maxInflight = 1
        var pool = pool([(a, limited), (c, Self.backup)])
        #expect(pool.pick(.number(1), now: at(0)) == .target(a))
        #expect(pool.pick(.number(2), now: at(0)) == .queued)
        pool.drain(a, now: at(1))
        #expect(pool.tick(now: at(1)).grants == [Grant(waiter: WaiterID(2), target: c)])
    }

    @Test func rateLimitedTargetsGiveWayToTheBackup() {
        var pool = seedPool()
        for target in [a, b] {
            _ = pool.pick(.number(0, excluding: [a, b, c].filter { $0 != target }), now: at(0))
            _ = pool.release(target, .failure(.status429, retryAfter: .seconds(20)), now: at(0))
        }
        #expect(targets(&pool, 10, now: at(1)) == [c])
        #expect(targets(&pool, 10, now: at(20)) == [a, b])
    }

    @Test func whenAllAskedForTimeARequestWaitsForTheFirstOrIsToldWhen() {
        var pool = pool([(a, Self.primary)])
        _ = pool.pick(.number(1), now: at(0))
        _ = pool.release(a, .failure(.status429, retryAfter: .seconds(20)), now: at(0))
        #expect(pool.pick(.number(2, deadline: at(15)), now: at(1)) == .refused(.allDown, retryAfter: .seconds(19)))
        #expect(pool.pick(.number(3, deadline: at(40)), now: at(1)) == .queued)
        #expect(pool.tick(now: at(19.9)).grants == [])
        #expect(pool.tick(now: at(20)).grants == [Grant(waiter: WaiterID(3), target: a)])
    }
}
