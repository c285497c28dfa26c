import MartletBase

/// The targets of a pool, and which of them a request may have now.
///
/// The tier of a pick is decided by health alone, never by how busy targets are:
///
/// 1. the primaries that can be picked and that the request has not tried;
/// 2. else the backups of that kind. Primaries that are merely full keep their requests (they queue), so a backup is
///    not flooded because its primaries are popular;
/// 3. else the primaries, else the backups, that it tried already.
///
/// **Panic rule**, only while no backup can be picked: targets that were taken out because of what requests reported
/// (`max_fails`, breaker) are put back, those due first, until half of the primaries can be picked. Targets whose
/// active check fails are known to be down rather than suspected, and are put back only when nothing else is left.
/// Targets that asked for time (429) are never put back. It follows that a single target without a backup is never
/// ejected by failures, as in nginx. With no primary in service, the backups are the primaries of all these rules.
struct Roster: Sendable {
    private(set) var members: [Member] = []
    /// What balancing sees, in the order of ``members``.
    var seats: [Seat] = []
    /// Whether the last survey put targets back in spite of their health.
    private(set) var isPanicking = false

    enum Outcome: Sendable, Equatable {
        /// At least one seat is eligible.
        case ready
        /// Those that may be picked are at their `max_inflight`.
        case full
        /// All asked for time; the first is back then.
        case held(until: Instant)
        /// Nothing is in service.
        case nobody
    }

    private struct Tally {
        var inService = 0
        var pickable = 0
        var fresh = 0

        mutating func count(_ standing: Member.Standing, isTried: Bool) {
            if standing != .away { inService += 1 }
            guard standing == .pickable else { return }
            pickable += 1
            if !isTried { fresh += 1 }
        }
    }

    // MARK: Who is here

    func index(of id: TargetID) -> Int? {
        members.firstIndex { $0.id == id }
    }

    mutating func add(_ member: Member, key: UInt64) {
        members.append(member)
        seats.append(Seat(weight: member.policy.weight, key: key))
    }

    mutating func remove(at index: Int) {
        members.remove(at: index)
        seats.remove(at: index)
    }

    /// Other rules for the target at `index`.
    mutating func adopt(_ policy: TargetPolicy, of pool: PoolPolicy, at index: Int) {
        members[index].adopt(policy, of: pool)
        seats[index].adopt(weight: policy.weight)
    }

    mutating func setOperatorState(_ state: OperatorState, at index: Int) {
        members[index].health.operatorState = state
    }

    /// Gives the target at `index` one request more.
    mutating func take(_ index: Int, now: Instant) -> TargetID {
        seats[index].inflight += 1
        members[index].picks &+= 1
        members[index].health.began(now: now)
        return members[index].id
    }

    /// Tells the health of the target at `index`, and how its standing changed.
    mutating func tell(_ index: Int, now: Instant, _ event: (inout TargetHealth) -> Void) -> TargetChange? {
        let before = members[index].health.state(now: now)
        event(&members[index].health)
        let after = members[index].health.state(now: now)
        return before == after ? nil : TargetChange(target: members[index].id, from: before, to: after)
    }

    /// The target at `index` began an answer: its limit may be another one now.
    mutating func answered(_ index: Int, after: Interval, isWhole: Bool, now: Instant) -> Bool {
        members[index].answered(after: after, inflight: seats[index].inflight, isWhole: isWhole, now: now)
    }

    /// The target at `index` asked for less.
    mutating func refused(_ index: Int) { members[index].refused() }

    /// The usual end of an attempt, on its shortest way: true when nothing else has to be looked at.
    mutating func succeedPlainly(_ index: Int, now: Instant) -> Bool {
        guard members[index].health.isPlainlyUp else { return false }
        members[index].health.succeeded(now: now)
        return true
    }

    // MARK: Who may be chosen

    /// Decides which seats this pick may choose.
    ///
    /// `mayRepeat`: a target with room that was tried already is better than waiting for another.
    mutating func survey(excluding tried: [TargetID], mayRepeat: Bool, now: Instant) -> Outcome {
        var (primaries, backups) = look(excluding: tried, now: now)
        isPanicking = false
        let leadIsBackup = primaries.inService == 0
        if leadIsBackup {
            putBack(&backups, areBackups: true, tried: tried)
        } else if backups.pickable == 0 {
            putBack(&primaries, areBackups: false, tried: tried)
        }
        guard primaries.pickable + backups.pickable > 0 else { return nobodyToPick() }
        if primaries.fresh + backups.fresh > 0 {
            let isReady = admit(backups: primaries.fresh == 0, excluding: tried)
            if isReady || !mayRepeat { return isReady ? .ready : .full }
        }
        return admit(backups: primaries.pickable == 0, excluding: []) ? .ready : .full
    }

    private mutating func look(excluding tried: [TargetID], now: Instant) -> (primaries: Tally, backups: Tally) {
        var primaries = Tally()
        var backups = Tally()
        for index in members.indices {
            if members[index].health.isPlainlyUp {
                members[index].standing = .pickable
            } else {
                members[index].look(now: now)
                seats[index].setShare(percent: members[index].health.sharePercent(now: now))
            }
            let isTried = !tried.isEmpty && tried.contains(members[index].id)
            if members[index].policy.isBackup {
                backups.count(members[index].standing, isTried: isTried)
            } else {
                primaries.count(members[index].standing, isTried: isTried)
            }
        }
        return (primaries, backups)
    }

    /// The panic rule, for one tier.
    private mutating func putBack(_ tier: inout Tally, areBackups: Bool, tried: [TargetID]) {
        while tier.pickable * 2 < tier.inService, let index = firstDue(.suspect, areBackups: areBackups) {
            putBack(index, &tier, tried: tried)
        }
        guard tier.pickable == 0 else { return }
        while let index = firstDue(.dead, areBackups: areBackups) {
            putBack(index, &tier, tried: tried)
        }
    }

    private mutating func putBack(_ index: Int, _ tier: inout Tally, tried: [TargetID]) {
        isPanicking = true
        members[index].standing = .pickable
        tier.pickable += 1
        if !tried.contains(members[index].id) { tier.fresh += 1 }
    }

    private func firstDue(_ standing: Member.Standing, areBackups: Bool) -> Int? {
        var first: Int?
        for index in members.indices
        where members[index].standing == standing && members[index].policy.isBackup == areBackups {
            if let first, members[first].standingUntil <= members[index].standingUntil { continue }
            first = index
        }
        return first
    }

    /// Makes the pickable seats of one tier that have room eligible; whether there is one.
    private mutating func admit(backups: Bool, excluding tried: [TargetID]) -> Bool {
        var isAnyEligible = false
        for index in members.indices {
            let isEligible =
                members[index].standing == .pickable && members[index].policy.isBackup == backups
                && seats[index].inflight < members[index].limit
                && (tried.isEmpty || !tried.contains(members[index].id))
            seats[index].isEligible = isEligible
            if isEligible { isAnyEligible = true }
        }
        return isAnyEligible
    }

    private func nobodyToPick() -> Outcome {
        var until: Instant?
        for member in members where member.standing == .held || member.standing == .suspect {
            until = min(until ?? .never, member.standingUntil)
        }
        return until.map { .held(until: $0) } ?? .nobody
    }
}
