import MartletBase
import MartletLogic
import Testing

/// Thousands of random steps from a seed, with books kept beside the machine: whatever happens, they agree.
@Suite struct RandomLifeTests {
    @Test(arguments: 0..<60) func theBooksAlwaysBalance(seed: UInt64) throws {
        var life = RandomLife(seed: seed)
        for _ in 0..<2_000 {
            life.step()
            try life.audit()
        }
        try life.end()
    }
}

private struct RandomLife {
    private var random: SplitMix64
    private var pool: PoolMachine
    private var now = at(0)
    private var leases: [TargetID: Int] = [:]
    private var limits: [TargetID: Int] = [:]
    private var removed: Set<TargetID> = []
    private var waiting: Set<WaiterID> = []
    private var problems: [String] = []
    private var nextTarget: UInt32 = 0
    private var nextWaiter: UInt64 = 0
    private var retries = 0
    /// What the life met, so that a quiet one is not taken for a proof.
    private var met = (grants: 0, expiries: 0, refusals: 0, failures: 0, evictions: 0)

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        let balance = BalancePolicy.allCases[Int(seed) % BalancePolicy.allCases.count]
        let policy = PoolPolicy.with {
            $0.balance = balance
            $0.queue.length = 20
        }
        pool = PoolMachine(policy: policy, seed: seed)
        pool.impossible.isStrict = true
        for _ in 0..<3 { addTarget() }
    }

    mutating func step() {
        now = now + .milliseconds(Int64.random(in: 0...400, using: &random))
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<50: pick()
        case 50..<80: release()
        case 80..<85: leave()
        case 85..<90: check()
        case 90..<94: tick()
        case 94..<96: retry()
        case 96: if leases.count < 6 { addTarget() }
        case 97: removeTarget()
        default: drainOrUndrain()
        }
    }

    private mutating func pick() {
        nextWaiter += 1
        let id = WaiterID(nextWaiter)
        let request = PickRequest(
            waiter: id,
            priority: PriorityClass.allCases.randomElement(using: &random) ?? .batch,
            deadline: now + .milliseconds(Int64.random(in: -10...8_000, using: &random)),
            hashKey: Bool.random(using: &random) ? UInt64.random(in: 0..<5, using: &random) : nil,
            excluding: Bool.random(using: &random) ? [] : [anyTarget()].compactMap { $0 })
        switch pool.pick(request, now: now) {
        case .target(let target): lease(target)
        case .queuedInPlaceOf(let others):
            for other in others where waiting.remove(other) == nil { problems.append("\(other) lost what it had not") }
            met.evictions += others.count
            waiting.insert(id)
        case .queued: waiting.insert(id)
        case .refused(_, let retryAfter):
            met.refusals += 1
            if retryAfter < .zero { problems.append("asked to come back in the past") }
        }
    }

    private mutating func release() {
        guard let target = leases.filter({ $0.value > 0 }).keys.sorted().randomElement(using: &random) else { return }
        let failure = FailureClass.allCases.randomElement(using: &random) ?? .connect
        let result: AttemptResult =
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1: .failure(failure, retryAfter: Bool.random(using: &random) ? .seconds(2) : nil)
            case 2: .neutral
            default: .success
            }
        if Bool.random(using: &random) { settle(pool.answered(target, now: now)) }
        if case .failure = result { met.failures += 1 }
        leases[target, default: 0] -= 1
        let outcome = pool.release(target, result, now: now)
        if removed.contains(target), leases[target] == 0 {
            if !outcome.isEmptied { problems.append("\(target) is empty and does not say so") }
            leases[target] = nil
        }
        settle(outcome)
    }

    private mutating func leave() {
        guard let id = waiting.min(by: { $0.rawValue < $1.rawValue }) else { return }
        if pool.leave(id, now: now) {
            waiting.remove(id)
        } else {
            problems.append("\(id) waits but could not leave")
        }
    }

    private mutating func check() {
        guard let target = anyTarget() else { return }
        settle(pool.probe(target, passed: Bool.random(using: &random), now: now))
    }

    private mutating func tick() {
        let result = pool.tick(now: now)
        met.expiries += result.expired.count
        for id in result.expired + result.hopeless where waiting.remove(id) == nil { problems.append("\(id) expired twice") }
        settle(result.grants)
    }

    private mutating func retry() {
        if retries > 0, Bool.random(using: &random) {
            pool.endRetry()
            retries -= 1
        } else if pool.beginRetry() {
            retries += 1
        }
    }

    private mutating func addTarget() {
        nextTarget += 1
        let id = TargetID(nextTarget)
        let policy = TargetPolicy.with {
            $0.weight = Int.random(in: 1...4, using: &random)
            $0.maxFails = Int.random(in: 0...2, using: &random)
            $0.failTimeout = .seconds(3)
            $0.isBackup = Int.random(in: 0..<4, using: &random) == 0
            $0.maxInflight = Int.random(in: 1...3, using: &random)
            $0.slowStart = Bool.random(using: &random) ? .zero : .seconds(2)
        }
        limits[id] = policy.maxInflight
        leases[id] = 0
        settle(pool.add(id, policy: policy, key: random.next(), now: now))
    }

    private mutating func removeTarget() {
        guard let id = anyTarget() else { return }
        let isGone = pool.remove(id, now: now)
        if isGone != (leases[id] == 0) { problems.append("\(id) went too early or not at all") }
        if isGone { leases[id] = nil } else { removed.insert(id) }
    }

    private mutating func drainOrUndrain() {
        guard let id = anyTarget() else { return }
        if Bool.random(using: &random) {
            pool.drain(id, now: now)
        } else {
            settle(pool.undrain(id, now: now))
        }
    }

    private mutating func settle(_ result: ReleaseResult) {
        settle(result.grants)
    }

    private mutating func settle(_ grants: [Grant]) {
        for grant in grants {
            met.grants += 1
            if waiting.remove(grant.waiter) == nil { problems.append("\(grant.waiter) granted, but does not wait") }
            lease(grant.target)
        }
    }

    private mutating func lease(_ target: TargetID) {
        leases[target, default: 0] += 1
        if removed.contains(target) { problems.append("\(target) was picked after its removal") }
    }

    private mutating func anyTarget() -> TargetID? {
        leases.keys.filter { !removed.contains($0) }.sorted().randomElement(using: &random)
    }

    /// The machine's own numbers against ours.
    func audit() throws {
        try #require(problems.isEmpty, "\(problems)")
        let status = pool.status(now: now)
        try #require(status.queued.total == waiting.count)
        try #require(status.active == leases.values.reduce(0, +))
        try #require(status.targets.count == leases.count)
        try #require(status.retriesInProgress == retries)
        for target in status.targets {
            try #require(target.inflight == leases[target.id])
            try #require(target.inflight <= limits[target.id] ?? 0, "\(target.id) holds more than max_inflight")
        }
    }

    /// Everyone goes home: every waiter gets its one outcome, every counter comes back to nothing.
    mutating func end() throws {
        for target in leases.keys.sorted() {
            while leases[target, default: 0] > 0 {
                leases[target, default: 0] -= 1
                settle(pool.release(target, .success, now: now))
            }
        }
        now = now + .seconds(1_000)
        while leases.values.contains(where: { $0 > 0 }) || !waiting.isEmpty {
            tick()
            for target in leases.keys.sorted() where leases[target, default: 0] > 0 {
                leases[target, default: 0] -= 1
                settle(pool.release(target, .success, now: now))
            }
            try #require(problems.isEmpty, "\(problems)")
        }
        let status = pool.status(now: now)
        try #require(status.active == 0)
        try #require(status.queued.total == 0)
        try #require(status.impossible == 0)
        try #require(min(met.grants, met.refusals, met.failures) > 20 && met.expiries > 0, "\(met)")
    }
}
