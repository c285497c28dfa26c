import MartletBase
import MartletLogic

// What happens to the targets: trouble, checks, the operator.
extension Simulation {
    func addTarget(isPrimary: Bool) {
        nextTarget += 1
        var policy = TargetPolicy()
        policy.weight = draw(4) + 1
        policy.maxFails = draw(3)
        policy.failTimeout = .seconds(Int64(draw(4) + 1))
        policy.isBackup = !isPrimary && oneIn(4)
        policy.maxInflight = oneIn(6) ? nil : draw(4) + 1
        policy.slowStart = oneIn(3) ? .seconds(2) : .zero
        let target = SimulatedTarget(id: TargetID(nextTarget), policy: policy)
        targets.append(target)
        settle(pool.add(target.id, policy: policy, key: random.next(), now: now))
        events.plan(.probe(target.id), at: now + pause(upTo: 1_000))
    }

    /// Targets change their mood, one after the other; a target that goes takes its connections with it.
    func makeTrouble() {
        guard !isQuiet, !targets.isEmpty else { return }
        let index = draw(targets.count)
        let mood = SimulatedTarget.Mood.allCases[draw(SimulatedTarget.Mood.allCases.count)]
        targets[index].mood = mood
        if mood == .refusing || mood == .gone {
            for request in requests where request.lease == targets[index].id && oneIn(2) {
                say(.failed(.reset, isStale: false), to: request, after: pause(upTo: 50))
            }
        }
        events.plan(.fault, at: now + pause(upTo: 2_500))
    }

    func operate() {
        guard !isQuiet else { return }
        let inService = targets.indices.filter { targets[$0].operatorState != .removed }
        switch draw(7) {
        case 0 where targets.count < 6, 1 where targets.count < 3: addTarget(isPrimary: oneIn(2))
        case 2 where !inService.isEmpty: removeTarget(inService[draw(inService.count)])
        case 3 where !inService.isEmpty:
            let index = inService[draw(inService.count)]
            targets[index].operatorState = .draining
            pool.drain(targets[index].id, now: now)
        case 4 where !inService.isEmpty: reload(inService[draw(inService.count)])
        default:
            guard let index = inService.first(where: { targets[$0].operatorState == .draining }) else { break }
            undrain(index)
        }
        events.plan(.operate, at: now + pause(upTo: 4_000))
    }

    /// The operator allows more: the pool's queue is longer, one target may hold one more.
    private func reload(_ index: Int) {
        policy.queue.length += 3
        books.policy = policy
        settle(pool.adopt(policy, now: now))
        targets[index].policy.maxInflight = targets[index].policy.maxInflight.map { $0 + 1 }
        settle(pool.adopt(targets[index].policy, for: targets[index].id, now: now))
    }

    func undrain(_ index: Int) {
        targets[index].operatorState = .inService
        settle(pool.undrain(targets[index].id, now: now))
    }

    private func removeTarget(_ index: Int) {
        let target = targets[index]
        let isGone = pool.remove(target.id, now: now)
        if isGone != (target.leases == 0) { books.note("\(target.id) went too early, or not at all") }
        if isGone { targets.remove(at: index) } else { targets[index].operatorState = .removed }
    }

    /// A health check, and the next one.
    func probe(_ id: TargetID) {
        guard let target = targets.first(where: { $0.id == id }),
            let interval = pool.probeInterval(id, now: now)
        else { return }
        let result = pool.probe(id, passed: target.isHealthy, now: now)
        settle(result.grants)
        if let change = result.change, change.to.reason != nil { lost(id) }
        events.plan(.probe(id), at: now + interval + pause(upTo: 50))
    }

    /// Requests that wait for a first byte of a target that is out may go elsewhere.
    private func lost(_ target: TargetID) {
        books.met.ejections += 1
        for request in requests where request.lease == target && request.outcome == nil { targetWasLost(request) }
    }
}
