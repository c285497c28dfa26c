/// How near a process is to its limit on open files, and so what it does about it. Each level does what the ones
/// before it do as well.
public enum Pressure: UInt8, CaseIterable, Comparable, Sendable {
    case none
    /// Idle connections are kept for seconds instead of minutes.
    case shortened
    /// The oldest idle connections are closed, and those in use after their answer.
    case closing
    /// Requests of the classes `batch` and `background` are refused.
    case shedding
    /// No connection to a target outlives its request.
    case unpooled
    /// New connections are told that there is no place.
    case full

    public static func < (lhs: Pressure, rhs: Pressure) -> Bool { lhs.rawValue < rhs.rawValue }

    /// The share of the budget, in per cent, at which the level begins.
    public var percent: Int {
        switch self {
        case .none: 0
        case .shortened: 70
        case .closing: 80
        case .shedding: 90
        case .unpooled: 95
        case .full: 98
        }
    }

    /// The word in `/status` and in the log.
    public var text: String {
        switch self {
        case .none: "none"
        case .shortened: "shortened"
        case .closing: "closing"
        case .shedding: "shedding"
        case .unpooled: "unpooled"
        case .full: "full"
        }
    }

    /// The level at which `used` of `spendable` descriptors are, coming from this one: up at once, down only when the
    /// use is two per cent below where the level began, so that one connection more or less changes nothing.
    func next(used: Int, of spendable: Int) -> Pressure {
        let reached = Self.allCases.last { used * 100 >= $0.percent * spendable } ?? .none
        guard reached < self else { return reached }
        let slack = max(spendable * 2, 100)
        return Self.allCases.last { $0 <= self && used * 100 + slack > $0.percent * spendable } ?? .none
    }
}
