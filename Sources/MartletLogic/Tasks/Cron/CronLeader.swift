public import MartletBase

/// Decides for one of many schedulers whether it leads, and what it fires while it does.
///
/// Who has the lease leads, and stops before it ends by its own clock. Should it be late all the same (its process was
/// stopped), the fence holds: each grant has a higher token than any before, and the broker refuses what comes with a
/// lower one. Tasks are sent and their time is remembered in one step, so that a leader's death loses none and sends
/// none twice; their ids come from their times.
public struct CronLeader: Sendable {
    private enum State: Sendable, Equatable {
        case follows(until: Instant)
        case asks
        case leads(token: Int64, until: Instant, renewAt: Instant)
        /// It stops, and wants nothing any more.
        case stopped
    }

    private struct Place: Sendable {
        var entry: CronEntry
        /// Up to when it is done with; nil: it was never seen.
        var last: Int64?
        /// When it is to fire next; nil: never, or nobody leads here.
        var due: Int64?
        /// A firing is on its way.
        var isFiring = false
        /// One has failed: not again before this.
        var notBefore = Instant(nanoseconds: 0)
    }

    /// How long a grant holds.
    public let lease: Duration
    /// How old a time may be that is fired although what was missed is skipped, in milliseconds.
    public let graceMilliseconds: Int64
    /// How many times are made up for at most.
    public let maximumCatchUp: Int
    private var state: State
    private var places: [String: Place] = [:]
    /// The highest token that was granted here.
    private var highest = Int64.min

    public init(
        entries: [CronEntry], lease: Duration = .seconds(15), graceMilliseconds: Int64 = 60_000,
        maximumCatchUp: Int = 100, now: Instant
    ) {
        self.lease = lease
        self.graceMilliseconds = graceMilliseconds
        self.maximumCatchUp = max(maximumCatchUp, 1)
        state = .follows(until: now)
        for entry in entries { places[entry.name] = Place(entry: entry) }
    }

    /// The token under which it leads; nil: it does not.
    public func token(now: Instant) -> Int64? {
        if case .leads(let token, let until, _) = state, now < until { token } else { nil }
    }

    // MARK: Leading

    /// An answer to `.acquire`.
    ///
    /// - Parameters:
    ///   - token: Nil: somebody else leads, or the broker could not be asked.
    ///   - lasts: Up to when each entry is done with, as the broker remembers it.
    ///   - sentAt: When the broker was asked.
    public mutating func acquired(
        token: Int64?, lasts: [String: Int64], sentAt: Instant, now: TaskTime
    ) -> [CronAction] {
        guard state == .asks else {
            // It stopped meanwhile.
            return token.map { [.release(token: $0)] } ?? []
        }
        guard let token, token > highest else {
            state = .follows(until: now.instant + lease / 3)
            return []
        }
        highest = token
        state = .leads(token: token, until: sentAt + lease * 5 / 6, renewAt: sentAt + lease / 3)
        for name in places.keys {
            places[name]?.last = lasts[name]
            places[name]?.isFiring = false
            plan(name)
        }
        return woken(now: now)
    }

    /// An answer to `.renew`; none when the broker could not be asked.
    public mutating func renewed(token: Int64, isOurs: Bool, sentAt: Instant, now: TaskTime) -> [CronAction] {
        guard case .leads(token, let until, let renewAt) = state else { return [] }
        if isOurs {
            state = .leads(token: token, until: max(until, sentAt + lease * 5 / 6), renewAt: renewAt)
        } else {
            follow(from: now.instant)
        }
        return []
    }

    /// An answer to `.fire`.
    public mutating func fired(_ firing: CronFiring, _ result: FiringResult, now: TaskTime) -> [CronAction] {
        places[firing.name]?.isFiring = false
        guard case .leads = state else { return [] }
        switch result {
        case .done:
            places[firing.name]?.last = firing.last
            plan(firing.name)
        case .already(let last):
            places[firing.name]?.last = last
            plan(firing.name)
        case .fenced: follow(from: now.instant)
        case .failed: places[firing.name]?.notBefore = now.instant + lease / 6
        }
        return []
    }

    /// Stops: the next one need not wait for the lease's end.
    public mutating func stop() -> [CronAction] {
        defer { state = .stopped }
        if case .leads(let token, _, _) = state { return [.release(token: token)] }
        return []
    }

    private mutating func follow(from now: Instant) { state = .follows(until: now + lease / 3) }

    // MARK: Time

    /// Time passed.
    public mutating func woken(now: TaskTime) -> [CronAction] {
        if case .leads(_, let until, _) = state, now.instant >= until { state = .follows(until: now.instant) }
        switch state {
        case .follows(let until) where now.instant >= until:
            state = .asks
            return [.acquire]
        case .follows, .asks, .stopped: return []
        case .leads(let token, let until, let renewAt):
            var actions: [CronAction] = []
            if now.instant >= renewAt {
                state = .leads(token: token, until: until, renewAt: now.instant + lease / 6)
                actions.append(.renew(token: token))
            }
            for name in places.keys.sorted() {
                guard let firing = firing(of: name, now: now) else { continue }
                places[name]?.isFiring = true
                actions.append(.fire(firing, token: token))
            }
            return actions
        }
    }

    /// When ``woken(now:)`` is next to be called, at the latest.
    public func nextWake(now: TaskTime) -> Instant {
        switch state {
        case .follows(let until): return until
        case .asks, .stopped: return .never
        case .leads(_, let until, let renewAt):
            return places.values.reduce(min(until, renewAt)) { min($0, wake(for: $1, now: now)) }
        }
    }

    private func wake(for place: Place, now: TaskTime) -> Instant {
        guard !place.isFiring else { return .never }
        let due = place.last == nil ? now.wall : place.due
        return due.map { max(now.instant(ofWall: $0), place.notBefore) } ?? .never
    }

    // MARK: Firing

    private mutating func plan(_ name: String) {
        guard let place = places[name] else { return }
        places[name]?.due = place.last.flatMap { place.entry.times.next(after: $0) }
    }

    private func firing(of name: String, now: TaskTime) -> CronFiring? {
        guard let place = places[name], !place.isFiring, now.instant >= place.notBefore else { return nil }
        // From now on it is remembered: nothing was missed before.
        guard let last = place.last else { return CronFiring(name: name, times: [], previous: nil, last: now.wall) }
        guard let due = place.due, due <= now.wall else { return nil }
        let missed = missed(place.entry, since: last, now: now.wall)
        guard let latest = missed.last else { return nil }
        let times =
            switch place.entry.catchUp {
            case .skip: now.wall - latest <= graceMilliseconds ? [latest] : []
            case .once: [latest]
            case .all: missed
            }
        return CronFiring(name: name, times: times, previous: last, last: latest)
    }

    /// The last times after `last`, the earliest first: one, or as many as are made up for.
    private func missed(_ entry: CronEntry, since last: Int64, now: Int64) -> [Int64] {
        let maximum = entry.catchUp == .all ? maximumCatchUp : 1
        var times: [Int64] = []
        var until = now
        while times.count < maximum,
            let time = entry.times.last(notAfter: until), time > last
        {
            times.append(time)
            until = time - 1
        }
        return times.reversed()
    }
}
