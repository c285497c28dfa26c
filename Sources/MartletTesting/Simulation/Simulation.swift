import MartletBase
import MartletLogic

/// One seed's life of a pool, its targets and its callers, in simulated time: bursts of requests, callers that leave
/// in every phase, targets that fail in every way, an operator who takes targets out and in, ticks that are late.
///
/// The machines of `MartletLogic` decide; the simulation drives them as `Exchange` and `Pool` do, keeps books of its
/// own beside theirs (``Books``) and notes whatever disagrees. The same seed lives the same life.
package final class Simulation {
    package let seed: UInt64
    /// Is told what happens, line by line.
    package var trace: ((String) -> Void)?
    var random: SplitMix64
    var now = Instant(nanoseconds: 1_000_000_000_000)
    var events = EventQueue()
    var policy: PoolPolicy
    var pool: PoolMachine
    var books: Books
    var targets: [SimulatedTarget] = []
    var requests: [SimulatedRequest] = []
    var nextTarget: UInt32 = 0
    private var isTickPlanned = false
    private var isOver = false
    /// How late ticks and timers may be.
    private let lateness: Duration
    /// When no more trouble is made.
    private let quiet: Instant

    package init(seed: UInt64) {
        self.seed = seed
        var random = SplitMix64(seed: seed)
        policy = Self.policy(&random)
        pool = PoolMachine(policy: policy, seed: random.next())
        books = Books(policy)
        lateness = random.next() % 4 == 0 ? .seconds(2) : .milliseconds(100)
        quiet = now + .seconds(Int64(random.next() % 12 + 4))
        self.random = random
    }

    /// Lives the life to its end; answers what was wrong with it.
    package func run() -> [String] {
        for _ in 0..<draw(4) + 1 { addTarget(isPrimary: targets.isEmpty) }
        events.plan(.arrival(burst: draw(20) + 1), at: now)
        events.plan(.fault, at: now + .milliseconds(Int64(draw(3_000))))
        events.plan(.operate, at: now + .milliseconds(Int64(draw(6_000))))
        events.plan(.recover, at: quiet)
        while !isOver, books.problems.isEmpty, let (time, event) = events.next() {
            now = time
            books.met.events += 1
            if let trace { trace("\(Double((now.nanoseconds - 1_000_000_000_000) / 1_000) / 1e6) \(event)") }
            handle(event)
            audit()
            planTick()
            if books.met.events > 200_000 { books.note("it never ends") }
        }
        if books.problems.isEmpty { expectRest() }
        return books.problems
    }

    package var met: SimulationCounts { books.met }

    private func handle(_ event: EventQueue.Event) {
        switch event {
        case .arrival(let burst): arrive(burst)
        case .leave(let number): clientLeaves(requests[number])
        case .news(let number, let attempt, let news): targetSays(news, attempt, requests[number])
        case .granted(let number, let target): placeGranted(requests[number], target)
        case .placeLost(let number): placeLost(requests[number])
        case .timer(let number): timerFired(requests[number])
        case .tick: tick()
        case .probe(let target): probe(target)
        case .fault: makeTrouble()
        case .operate: operate()
        case .recover: recover()
        case .lastRequests(let left): lastRequest(left)
        }
    }

    // MARK: Chance

    /// 0 ..< count.
    func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

    /// True once in `count` times.
    func oneIn(_ count: Int) -> Bool { draw(count) == 0 }

    func pause(upTo milliseconds: Int) -> Duration { .milliseconds(Int64(draw(milliseconds + 1))) }

    private static func policy(_ random: inout SplitMix64) -> PoolPolicy {
        func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        var policy = PoolPolicy()
        policy.balance = BalancePolicy.allCases[draw(BalancePolicy.allCases.count)]
        policy.limit = draw(4) == 0 ? .adaptive : .fixed
        policy.queue.length = [0, 3, 10, 40][draw(4)]
        policy.queue.bytes = [2_000, 20_000, 1 << 30][draw(3)]
        policy.timeouts.connect = .milliseconds(Int64(draw(1_000) + 200))
        policy.timeouts.queue = .milliseconds(Int64(draw(4_000) + 100))
        policy.timeouts.firstByte = .milliseconds(Int64(draw(4_000) + 500))
        policy.timeouts.idle = .milliseconds(Int64(draw(2_000) + 500))
        policy.timeouts.total = .seconds(Int64(draw(15) + 5))
        policy.retry.attempts = draw(4) + 1
        policy.retry.budget = [0, 0.2, 0.5][draw(3)]
        if draw(2) == 0 { policy.retry.on.formUnion([.http503, .http429, .nonIdempotentWhenEjected]) }
        policy.health.kind = draw(4) == 0 ? .off : .http
        policy.health.interval = .seconds(2)
        policy.breaker?.minimum = 5
        policy.breaker?.open = .seconds(4)
        if draw(3) == 0 { policy.breaker = nil }
        return policy
    }

    // MARK: Time

    private func tick() {
        isTickPlanned = false
        let result = pool.tick(now: now)
        for id in result.expired { lose(id) { books.met.expiries += 1 } }
        settle(result.grants)
        for id in result.hopeless { lose(id) { books.met.hopeless += 1 } }
        for number in books.waiters where requests[number].queueDeadline <= now {
            books.note("a tick left request \(number) waiting past its deadline")
        }
        books.auditRoom(pool.status(now: now))
    }

    private func lose(_ id: WaiterID, _ count: () -> Void) {
        let request = requests[Int(id.rawValue)]
        count()
        books.left(request)
        events.plan(.placeLost(request.number), at: now + pause(upTo: 3))
    }

    /// The driver ticks while somebody waits, and not on the dot.
    private func planTick() {
        guard !isTickPlanned, books.waiting > 0 else { return }
        isTickPlanned = true
        events.plan(.tick, at: now + lateness * (Double(draw(101)) / 100))
    }

    /// Plans the request's timer, which may be a little late.
    func arm(_ request: SimulatedRequest) {
        let next = request.machine.nextDeadline
        guard request.outcome == nil, next < request.timerAt else { return }
        request.timerAt = next
        events.plan(.timer(request.number), at: max(next, now) + pause(upTo: 20))
    }

    /// Whether something that had to happen by `deadline` is later than lateness excuses.
    func isLate(_ deadline: Instant) -> Bool { now > deadline + lateness + .milliseconds(30) }

    // MARK: Books

    /// Those who wait and are given a place hear of it a moment later.
    func settle(_ grants: [Grant]) {
        for grant in grants {
            let request = requests[Int(grant.waiter.rawValue)]
            if isLate(request.queueDeadline) { books.note("request \(request.number) waited past its deadline") }
            books.granted(request)
            take(grant.target)
            events.plan(.granted(request.number, grant.target), at: now + pause(upTo: 3))
        }
    }

    func take(_ target: TargetID) {
        guard let index = targets.firstIndex(where: { $0.id == target }) else {
            return books.note("\(target) was chosen, but is gone")
        }
        books.took(&targets[index])
    }

    private func audit() {
        books.audit(pool.status(now: now), targets: targets)
    }

    private func expectRest() {
        for request in requests where request.outcome == nil { books.note("request \(request.number) has no end") }
        if books.leases != 0 || books.waiting != 0 || books.retries != 0 { books.note("something is held at rest") }
    }

    // MARK: The end

    /// All trouble is over: the operator takes every target back in, and each is well again.
    private func recover() {
        for index in targets.indices where targets[index].operatorState != .removed {
            targets[index].mood = .well
            if targets[index].operatorState == .draining { undrain(index) }
        }
        if !targets.contains(where: { $0.operatorState == .inService }) { addTarget(isPrimary: true) }
        events.plan(.lastRequests(5), at: quiet + .seconds(400))
    }

    /// Long after the trouble every target serves, and so is every request.
    private func lastRequest(_ left: Int) {
        for target in pool.status(now: now).targets where target.reason != nil && target.reason != .removed {
            books.note("\(target.id) never recovered: \(target.state)")
        }
        if let last = requests.last, left < 5, last.outcome != .completed {
            books.note("request \(last.number) ended \(last.outcome.map { "\($0)" } ?? "never") in quiet times")
        }
        guard left > 0 else {
            isOver = true
            return
        }
        newRequest(isPatient: true)
        events.plan(.lastRequests(left - 1), at: now + .seconds(60))
    }

    var isQuiet: Bool { now >= quiet }
}
