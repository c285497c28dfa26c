public import MartletBase

/// Decides who may have a descriptor: how many connections are accepted and served, which request may dial a target,
/// and how hard to press for descriptors to come back.
///
/// Counts of connections are exact: each is told once when a descriptor is taken and once when it was given back. A
/// connection to a target is reserved before it is dialled; listeners are told how many clients they may accept. What
/// else is open is counted now and then.
public struct GovernorMachine: Sendable {
    /// What a request for a connection to a target came to.
    public enum Reservation: Sendable, Equatable {
        /// Dial. `upstreamClosed` gives the place back.
        case granted
        /// Every place is taken: an idle connection has to go first. `upstreamClosed` names who is next.
        case wait
        /// Every place is taken, and none by an idle connection.
        case refused
    }

    /// After a search found no idle connection, the next requests need not search again.
    private static let searchPause = Interval(.milliseconds(20))

    public private(set) var budget: FileBudget
    public private(set) var pressure = Pressure.none
    /// Connections of clients that have a descriptor, refused ones included.
    public private(set) var accepted = 0
    /// Those that are served.
    public private(set) var served = 0
    /// Connections to targets, idle ones included, and those being made.
    public private(set) var upstreams = 0
    /// Connections to the console.
    public private(set) var console = 0
    /// Open descriptors that none of the counts above knows, as last seen.
    public private(set) var other: Int
    public private(set) var impossible = Impossible()

    private var peak = Pressure.none
    private var isTight = false
    private var waiting: [WaiterID] = []
    private var nextSearch = Instant(nanoseconds: 0)
    private var turnover = Turnover()

    public init(limit: Int, standing: Int) {
        budget = FileBudget(limit: limit, standing: standing)
        other = standing
        settle()
    }

    /// The limit, or what stands beside the connections, is known better now. Who is in stays in.
    public mutating func rebudget(limit: Int, standing: Int) {
        budget = FileBudget(limit: limit, standing: standing)
        other = standing
        settle()
    }

    // MARK: Clients

    /// How many connections may be accepted now.
    public var acceptRoom: Int {
        // Once full, only those that can be told so at once.
        (pressure == .full ? min(served, budget.clients) : budget.clients) + budget.refusals - accepted
    }

    public var consoleRoom: Int { budget.console - console }

    public mutating func clientAccepted() { accepted += 1 }

    public mutating func clientClosed() {
        guard accepted > 0 else { return impossible.note("a client closed that was not accepted") }
        accepted -= 1
    }

    public mutating func consoleAccepted() { console += 1 }

    public mutating func consoleClosed() {
        guard console > 0 else { return impossible.note("a console connection closed that was not accepted") }
        console -= 1
    }

    /// Whether an accepted connection is served; else it is told that there is no place.
    public mutating func admit(now: Instant) -> Bool {
        guard pressure < .full, served < budget.clients else {
            turnover.refused(now: now)
            return false
        }
        served += 1
        settle()
        return true
    }

    /// A client that was served is over.
    public mutating func left(now: Instant) {
        guard served > 0 else { return impossible.note("a client left that was not served") }
        served -= 1
        turnover.freed(now: now)
        settle()
    }

    /// When to come back, for a client that was refused.
    public mutating func retryAfter(now: Instant) -> Duration { turnover.retryAfter(now: now) }

    // MARK: Targets

    /// A place for a new connection to a target.
    public mutating func reserveUpstream(_ waiter: WaiterID, now: Instant) -> Reservation {
        if waiting.isEmpty, upstreams < budget.upstreams {
            upstreams += 1
            settle()
            return .granted
        }
        guard now >= nextSearch else {
            turnover.refused(now: now)
            return .refused
        }
        waiting.append(waiter)
        return .wait
    }

    /// A connection to a target is closed, or was not made after all. Who waits longest has its place.
    public mutating func upstreamClosed(now: Instant) -> WaiterID? {
        guard upstreams > 0 else {
            impossible.note("an upstream connection closed that was not reserved")
            return nil
        }
        turnover.freed(now: now)
        guard waiting.isEmpty || upstreams > budget.upstreams else { return waiting.removeFirst() }
        upstreams -= 1
        settle()
        return nil
    }

    /// No longer waits. False: a place was granted already and is on its way.
    public mutating func withdraw(_ waiter: WaiterID) -> Bool {
        guard let index = waiting.firstIndex(of: waiter) else { return false }
        waiting.remove(at: index)
        return true
    }

    /// No event loop has an idle connection. False: the waiter has its place by now.
    public mutating func searchFailed(_ waiter: WaiterID, now: Instant) -> Bool {
        guard withdraw(waiter) else { return false }
        nextSearch = now + Self.searchPause
        turnover.refused(now: now)
        return true
    }

    /// Whether a connection that served its request may stay open for the next one.
    public var keepsIdle: Bool { !isTight && pressure < .unpooled }

    // MARK: The whole

    /// So many descriptors the process has open, as the kernel says.
    public mutating func counted(_ open: Int) {
        other = max(0, open - accepted - upstreams - console)
        settle()
    }

    /// What of the budget is in use.
    public var used: Int { served + upstreams + other }

    /// The highest level since the last call.
    public mutating func takePeak() -> Pressure {
        defer { peak = pressure }
        return max(peak, pressure)
    }

    private mutating func settle() {
        pressure = pressure.next(used: used, of: budget.spendable)
        peak = max(peak, pressure)
        // Idle connections would be closed again for the next one that is dialled.
        if upstreams * 8 >= budget.upstreams * 7 {
            isTight = true
        } else if upstreams * 4 < budget.upstreams * 3 {
            isTight = false
        }
    }
}

/// How many were refused and how many places came free in the last seconds: what a refused client is told follows.
private struct Turnover: Sendable {
    private var second: UInt64 = 0
    private var now = (freed: 0, refused: 0)
    private var before = (freed: 0, refused: 0)

    mutating func freed(now instant: Instant) {
        turn(instant)
        now.freed += 1
    }

    mutating func refused(now instant: Instant) {
        turn(instant)
        now.refused += 1
    }

    /// The time in which as many places come free as clients were refused: 1 to 30 seconds.
    mutating func retryAfter(now instant: Instant) -> Duration {
        turn(instant)
        let freed = now.freed + before.freed
        let refused = now.refused + before.refused
        guard freed > 0 else { return .seconds(5) }
        return .seconds(min(max((refused + freed - 1) / freed, 1), 30))
    }

    private mutating func turn(_ instant: Instant) {
        let current = instant.nanoseconds / 1_000_000_000
        guard current != second else { return }
        before = current == second + 1 ? now : (0, 0)
        now = (0, 0)
        second = current
    }
}
