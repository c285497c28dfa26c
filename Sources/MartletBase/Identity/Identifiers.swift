/// One address of one pool, unique in the process for its whole life: an address that leaves and comes back is a
/// new target.
public struct TargetID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var rawValue: UInt32
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }
    public static func < (lhs: TargetID, rhs: TargetID) -> Bool { lhs.rawValue < rhs.rawValue }
    public var description: String { "t\(rawValue)" }
}

/// One request that waits in a pool's queue.
public struct WaiterID: Hashable, Sendable {
    public var rawValue: UInt64
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// How much a request matters when not all can be served. Its route says so, and its caller may lower it in
/// `x-request-priority`.
public enum PriorityClass: UInt8, CaseIterable, Comparable, Sendable {
    case interactive, batch, background

    /// The highest class comes first.
    public static func < (lhs: PriorityClass, rhs: PriorityClass) -> Bool { lhs.rawValue < rhs.rawValue }

    public init?(text: some StringProtocol) {
        switch text.lowercased() {
        case "interactive": self = .interactive
        case "batch": self = .batch
        case "background": self = .background
        default: return nil
        }
    }

    public var text: String {
        switch self {
        case .interactive: "interactive"
        case .batch: "batch"
        case .background: "background"
        }
    }
}
