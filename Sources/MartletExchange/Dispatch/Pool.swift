package import MartletBase
package import MartletLogic
import NIOCore
import Synchronization

/// A pool of targets: the machine that decides, behind one lock, and what its ids stand for.
///
/// The lock is taken at pick and at release, and by the services that check health and resolve names; it is never held
/// while anything outside is called. Its state is one for the process, whatever the number of event loops.
package final class Pool: Sendable {
    /// What a pick came to.
    package enum Picked {
        case target(Target)
        case queued
        case refused(Refusal, retryAfter: Duration)
    }

    private struct Waiting: Sendable {
        let loop: any EventLoop
        let exchange: NIOLoopBound<Exchange>

        init(_ exchange: Exchange) {
            loop = exchange.context.loop
            self.exchange = NIOLoopBound(exchange, eventLoop: loop)
        }
    }

    private struct State {
        var machine: PoolMachine
        var isRetired = false
        var targets: [TargetID: Target] = [:]
        /// Taken out, with requests still in flight.
        var leaving: Set<TargetID> = []
        var waiters: [WaiterID: Waiting] = [:]
    }

    /// What became of a place in the queue, on its way to the request that had it.
    private struct Delivery {
        enum News { case granted(Target), lost(ErrorCode) }
        let waiting: Waiting
        let news: News
    }

    package let name: String
    /// Its place in the metrics.
    package let index: UInt16
    private let state: Mutex<State>
    private let observer: any PoolObserver

    package init(name: String, index: UInt16, policy: PoolPolicy, observer: any PoolObserver) {
        self.name = name
        self.index = index
        self.observer = observer
        state = Mutex(State(machine: PoolMachine(policy: policy, seed: UInt64(index) &+ 0x9E37_79B9)))
    }

    // MARK: Requests

    /// A place for `exchange`, now or later (`Exchange.granted`).
    package func pick(_ request: PickRequest, for exchange: Exchange, now: Instant) -> Picked {
        let (picked, evicted) = state.withLock { state -> (Picked, [Delivery]) in
            switch state.machine.pick(request, now: now) {
            case .target(let id):
                guard let target = state.targets[id] else { return (.refused(.noTarget, retryAfter: .seconds(1)), []) }
                return (.target(target), [])
            case .queued:
                state.waiters[request.waiter] = Waiting(exchange)
                return (.queued, [])
            case .queuedInPlaceOf(let others):
                state.waiters[request.waiter] = Waiting(exchange)
                return (.queued, lost(others, .queueFull, &state))
            case .refused(let refusal, let retryAfter):
                return (.refused(refusal, retryAfter: retryAfter), [])
            }
        }
        deliver(evicted)
        return picked
    }

    /// How long a client whose request of `priority` is refused should stay away.
    package func retryAfter(_ priority: PriorityClass, now: Instant) -> Duration {
        state.withLock { $0.machine.retryAfter(priority, now: now) }
    }

    /// A queued request holds so many bytes by now. False: those who wait hold as many as they may.
    package func holds(_ bytes: Int, _ waiter: WaiterID) -> Bool {
        state.withLock { $0.machine.holds(bytes, waiter) }
    }

    /// A queued request no longer wants its place. False: a place was granted already and is on its way.
    package func leave(_ waiter: WaiterID, now: Instant) -> Bool {
        state.withLock { state in
            state.waiters[waiter] = nil
            return state.machine.leave(waiter, now: now)
        }
    }

    /// Gives back a place with what became of the attempt; answers whether it failed and the target is out now.
    @discardableResult
    package func release(_ target: Target, _ result: AttemptResult, now: Instant) -> Bool {
        apply(target, now: now) { $0.release(target.id, result, now: now) }
    }

    /// The target began to answer, and well: a trial of it has succeeded, however long the answer takes.
    package func answered(_ target: Target, now: Instant) {
        apply(target, now: now) { $0.answered(target.id, now: now) }
    }

    /// The target began an answer that succeeds, so long `after` it had the request: for `limit: adaptive`.
    ///
    /// - Parameter isWhole: nothing of it could come before all of it was computed.
    package func firstByte(_ target: Target, after: Interval, isWhole: Bool, now: Instant) {
        apply(target, now: now) { machine in
            ReleaseResult(grants: machine.firstByte(target.id, after: after, isWhole: isWhole, now: now))
        }
    }

    /// Room for one more retry, or not.
    package func beginRetry() -> Bool { state.withLock { $0.machine.beginRetry() } }

    package func endRetry() { state.withLock { $0.machine.endRetry() } }

    // MARK: Rules

    /// The rules in force. Requests have theirs from their route.
    package var policy: PoolPolicy { state.withLock { $0.machine.policy } }

    /// Other rules from now on: counts, health and waiters stay.
    package func adopt(_ policy: PoolPolicy, now: Instant) {
        let deliveries = state.withLock { state in
            guard policy != state.machine.policy else { return [Delivery]() }
            return take(state.machine.adopt(policy, now: now), &state)
        }
        deliver(deliveries)
    }

    /// The configuration no longer names it: what it holds ends, then nobody looks after it any more.
    /// ``turnAway()`` must follow once its targets are gone.
    package func retire() { state.withLock { $0.isRetired = true } }

    /// Its targets are gone for good: those who wait for one are told so now. By the routes of the present they find
    /// another pool, so they may come again.
    package func turnAway() {
        let deliveries = state.withLock { state in
            lost(state.machine.turnAway(), .poolRemoved, &state)
        }
        deliver(deliveries)
    }

    package var isRetired: Bool { state.withLock { $0.isRetired } }

    /// The same target under other rules, or with other header fields: counts and health stay.
    package func replace(_ target: Target, policy: TargetPolicy, now: Instant) {
        let deliveries = state.withLock { state in
            state.targets[target.id] = target
            return take(state.machine.adopt(policy, for: target.id, now: now), &state)
        }
        deliver(deliveries)
    }

    // MARK: Membership and health

    package func add(_ target: Target, policy: TargetPolicy, now: Instant) {
        let deliveries = state.withLock { state in
            state.targets[target.id] = target
            // The same in every process, so that `hash` sends a key to the same address everywhere.
            let key = FNV1a.of(target.url)
            return take(state.machine.add(target.id, policy: policy, key: key, now: now), &state)
        }
        deliver(deliveries)
    }

    package func drain(_ target: TargetID, now: Instant) {
        state.withLock { $0.machine.drain(target, now: now) }
        tick(now: now)
    }

    package func undrain(_ target: TargetID, now: Instant) {
        let deliveries = state.withLock { state in
            take(state.machine.undrain(target, now: now), &state)
        }
        deliver(deliveries)
    }

    /// Takes a target out for good; its requests in flight end first. True when there are none.
    package func remove(_ target: TargetID, now: Instant) -> Bool {
        state.withLock { state in
            let isEmpty = state.machine.remove(target, now: now)
            if isEmpty { state.targets[target] = nil } else { state.leaving.insert(target) }
            return isEmpty
        }
    }

    package func isEmpty(_ target: TargetID) -> Bool { state.withLock { $0.machine.isEmpty(target) } }

    /// Whether a target is on its way, so that requests may wait for it while there is none. Those who wait though
    /// there is neither are told so now.
    package func expectTargets(_ isExpecting: Bool, now: Instant) {
        let deliveries = state.withLock { state in
            let waiting = state.machine.expect(isExpecting, now: now)
            return lost(waiting, state.isRetired ? .poolRemoved : .noTarget, &state)
        }
        deliver(deliveries)
    }

    /// What a health check found.
    package func probe(_ target: Target, passed: Bool, now: Instant) {
        apply(target, now: now) { $0.probe(target.id, passed: passed, now: now) }
    }

    /// Lets time act on the queue: expired waiters leave, targets whose ejection ended take work.
    package func tick(now: Instant) {
        let deliveries = state.withLock { state in
            let result = state.machine.tick(now: now)
            return take(result.grants, &state) + lost(result.expired, .queueTimeout, &state)
                + lost(result.hopeless, .noCapacity, &state)
        }
        deliver(deliveries)
    }

    package var targets: [Target] { state.withLock { $0.targets.values.sorted { $0.id < $1.id } } }

    /// How often a target is to be checked at present.
    package func probeInterval(_ target: TargetID, now: Instant) -> Duration {
        state.withLock { $0.machine.probeInterval(target, now: now) } ?? policy.health.interval
    }

    /// Whether some target can take a request now, or could if it were not full, or will come for it
    /// (``PoolPolicy/comesOnDemand``). One that the panic rule keeps in service counts, as long as its checks do not
    /// say that it is dead.
    package func isUsable(besides lost: TargetID? = nil, now: Instant) -> Bool {
        let (status, comes) = state.withLock { state in
            (state.machine.status(now: now), state.machine.policy.comesOnDemand && state.machine.isExpecting)
        }
        guard !comes else { return true }
        return status.targets.contains { target in
            guard target.id != lost else { return false }
            switch target.state.reason {
            case nil: return true
            case .failures, .breaker: return status.isPanicking
            case .check, .rateLimited, .draining, .removed: return false
            }
        }
    }

    /// Whether a target that is not among `tried` can be picked.
    package func hasUntried(_ tried: [TargetID], now: Instant) -> Bool {
        status(now: now).targets.contains { $0.state.reason == nil && !tried.contains($0.id) }
    }

    /// No request is in it.
    package var isAtRest: Bool { state.withLock { $0.machine.isAtRest } }

    package func status(now: Instant) -> PoolStatus { state.withLock { $0.machine.status(now: now) } }

    // MARK: Inside

    @discardableResult
    private func apply(_ target: Target, now: Instant, _ change: (inout PoolMachine) -> ReleaseResult) -> Bool {
        let (deliveries, result) = state.withLock { state in
            let result = change(&state.machine)
            if result.isEmptied, state.leaving.remove(target.id) != nil { state.targets[target.id] = nil }
            return (take(result.grants, &state), result)
        }
        deliver(deliveries)
        if result.isEmptied { observer.pool(self, emptied: target) }
        if let change = result.change { observer.pool(self, target: target, changed: change) }
        return result.isOut
    }

    private func take(_ grants: [Grant], _ state: inout State) -> [Delivery] {
        guard !grants.isEmpty else { return [] }
        return grants.compactMap { grant in
            guard let waiting = state.waiters.removeValue(forKey: grant.waiter),
                let target = state.targets[grant.target]
            else { return nil }
            return Delivery(waiting: waiting, news: .granted(target))
        }
    }

    private func lost(_ waiters: [WaiterID], _ code: ErrorCode, _ state: inout State) -> [Delivery] {
        waiters.compactMap { id in
            state.waiters.removeValue(forKey: id).map { Delivery(waiting: $0, news: .lost(code)) }
        }
    }

    /// Outside the lock: each waiter hears on its own loop.
    private func deliver(_ deliveries: [Delivery]) {
        for delivery in deliveries {
            delivery.waiting.loop.execute {
                switch delivery.news {
                case .granted(let target): delivery.waiting.exchange.value.granted(target)
                case .lost(let code): delivery.waiting.exchange.value.placeLost(code)
                }
            }
        }
    }
}

/// Hears when a target of a pool comes or goes: for the log, and for requests that wait at a lost target.
package protocol PoolObserver: Sendable {
    func pool(_ pool: Pool, target: Target, changed change: TargetChange)
    /// A target that drains, or was taken out, holds no request any more.
    func pool(_ pool: Pool, emptied target: Target)
}
