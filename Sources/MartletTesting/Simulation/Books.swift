import MartletBase
import MartletLogic

/// The simulated world's own books, beside those of the machines: who holds what, who waits, and in which order.
struct Books {
    var policy: PoolPolicy
    var met = SimulationCounts()
    private(set) var problems: [String] = []
    private(set) var leases = 0
    private(set) var retries = 0
    /// Who waits, by class, in the order of arrival.
    private var lines: [[Int]] = PriorityClass.allCases.map { _ in [] }
    private var bytes: [Int: Int] = [:]
    private var passedOver = 0

    init(_ policy: PoolPolicy) { self.policy = policy }

    var waiting: Int { bytes.count }
    var waiters: some Sequence<Int> { lines.joined() }

    mutating func note(_ problem: String) {
        if problems.count < 10 { problems.append(problem) }
    }

    // MARK: The queue

    mutating func joined(_ request: SimulatedRequest) {
        lines[Int(request.priority.rawValue)].append(request.number)
        bytes[request.number] = request.bytes
        if waiting > policy.queue.length { note("\(waiting) wait where \(policy.queue.length) may") }
        if bytes.values.reduce(0, +) > policy.queue.bytes { note("those who wait hold too many bytes") }
    }

    mutating func left(_ request: SimulatedRequest) {
        let line = Int(request.priority.rawValue)
        guard bytes.removeValue(forKey: request.number) != nil, let place = lines[line].firstIndex(of: request.number)
        else { return note("request \(request.number) lost a place that it did not have") }
        lines[line].remove(at: place)
    }

    /// `request` was chosen among those who wait: was it its turn?
    mutating func granted(_ request: SimulatedRequest) {
        met.grants += 1
        let line = Int(request.priority.rawValue)
        if lines[line].first != request.number { note("request \(request.number) was served before its turn") }
        let highest = lines.firstIndex { !$0.isEmpty } ?? 0
        let lowerWait = lines[(highest + 1)...].contains { !$0.isEmpty }
        if line != highest {
            if passedOver < 7 { note("\(request.priority.text) was served while a higher class waits") }
            passedOver = 0
        } else if lowerWait {
            passedOver += 1
            if passedOver > 7 { note("a lower class starves") }
        }
        left(request)
    }

    /// `request` was given a target at once: did it overtake somebody?
    mutating func chosen(_ request: SimulatedRequest) {
        if lines[...Int(request.priority.rawValue)].contains(where: { !$0.isEmpty }) {
            note("request \(request.number) overtook those of its class")
        }
    }

    /// `victim` lost its place to `request`: was it the youngest of the lowest?
    mutating func evicted(_ victim: SimulatedRequest, for request: SimulatedRequest) {
        met.evictions += 1
        let line = Int(victim.priority.rawValue)
        if victim.priority <= request.priority { note("\(victim.priority.text) made room for its equal") }
        if lines[line].last != victim.number { note("request \(victim.number) is not the youngest of its class") }
        if lines[(line + 1)...].contains(where: { !$0.isEmpty }) { note("a lower class keeps its places") }
        left(victim)
    }

    // MARK: Places and retries

    mutating func took(_ target: inout SimulatedTarget) {
        leases += 1
        target.leases += 1
        if target.operatorState != .inService { note("\(target.id) was chosen, but is out of service") }
        if let limit = target.policy.maxInflight, target.leases > limit {
            note("\(target.id) holds \(target.leases) of at most \(limit)")
        }
    }

    mutating func gaveBack(_ target: inout SimulatedTarget) {
        leases -= 1
        target.leases -= 1
        if target.leases < 0 { note("\(target.id) was given back twice") }
    }

    mutating func beganRetry() {
        let allowed = max(3, Int(policy.retry.budget * Double(leases + waiting)))
        if retries >= allowed { note("\(retries + 1) retries where \(allowed) may run") }
        retries += 1
        met.retries += 1
    }

    mutating func endedRetry() { retries -= 1 }

    // MARK: Against the machine's

    mutating func audit(_ status: PoolStatus, targets: [SimulatedTarget]) {
        if status.impossible > 0 { note("an impossible event") }
        if status.active != leases { note("\(leases) places are held, the machine counts \(status.active)") }
        if status.queued.total != waiting { note("\(waiting) wait, the machine counts \(status.queued.total)") }
        if status.retriesInProgress != retries { note("\(retries) retries, the machine counts otherwise") }
        for (target, known) in zip(status.targets, targets) {
            if target.id != known.id { return note("the machine knows other targets") }
            if target.inflight != known.leases { note("\(target.id) holds \(known.leases), not \(target.inflight)") }
        }
        if status.targets.count != targets.count { note("the machine knows more or fewer targets") }
    }

    /// The machine has just given away what room there was.
    mutating func auditRoom(_ status: PoolStatus) {
        if waiting > 0, Self.couldServe(status) { note("\(waiting) wait although there is room") }
    }

    /// Whether some target would take one that waits, by the rules of tiers and panic.
    private static func couldServe(_ status: PoolStatus) -> Bool {
        let inService = status.targets.filter { $0.reason != .removed && $0.reason != .draining }
        let primaries = inService.filter { !$0.isBackup }
        let backups = inService.filter(\.isBackup)
        if primaries.contains(where: \.isUp) { return primaries.contains { $0.isUp && $0.hasRoom } }
        if backups.contains(where: \.isUp) { return backups.contains { $0.isUp && $0.hasRoom } }
        let suspects = (primaries.isEmpty ? backups : primaries).filter(\.isSuspect)
        return !suspects.isEmpty && suspects.allSatisfy(\.hasRoom)
    }

    /// Whether `target` may be chosen while the pool stands as in `status`.
    mutating func judge(_ target: TargetID, tried: [TargetID], _ status: PoolStatus) {
        guard let chosen = status.targets.first(where: { $0.id == target }) else {
            return note("\(target) is no target of this pool")
        }
        let inService = status.targets.filter { $0.reason != .removed && $0.reason != .draining }
        let hasPrimaries = inService.contains { !$0.isBackup }
        let tier = inService.filter { $0.isBackup == chosen.isBackup }
        if chosen.isBackup, inService.contains(where: { !$0.isBackup && $0.isUp && !tried.contains($0.id) }) {
            note("\(target) is a backup, and a primary serves")
        }
        switch chosen.reason {
        case nil: break
        case .removed, .draining, .rateLimited: note("\(target) was chosen while \(chosen.reason?.text ?? "")")
        case .failures, .breaker:
            met.panics += 1
            let hasBackup = hasPrimaries && inService.contains { $0.isBackup && $0.isUp }
            if hasBackup { note("\(target) was put back, and there is a backup") }
            if tier.count(where: \.isUp) * 2 >= tier.count { note("\(target) was put back, and half of them serve") }
        case .check:
            met.panics += 1
            if tier.contains(where: { $0.isUp || $0.isSuspect }) { note("\(target) is dead, and others are not") }
        }
    }
}

extension TargetStatus {
    var isUp: Bool { reason == nil }
    var isSuspect: Bool { reason == .failures || reason == .breaker }
    var hasRoom: Bool { (limit ?? maxInflight).map { inflight < $0 } ?? true }
}
