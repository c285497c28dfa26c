/// Counts the events that a machine was told although they cannot happen, such as the release of an unknown target.
///
/// Every machine of this room treats what can go wrong in one of three ways: what a peer or an operator may cause is
/// an ordinary action; what comes too late is ignored in silence (its comment says so); what only a defect of ours can
/// cause is ignored and counted here. Nothing ends the process, except a debug build that asked for it.
public struct Impossible: Sendable, Equatable {
    /// How many such events there were.
    public private(set) var count: UInt64 = 0
    /// What the last one was, for the log.
    public private(set) var last = ""
    /// Whether a debug build stops at the first one.
    public var isStrict = false

    public init() {}

    mutating func note(_ what: String) {
        assert(!isStrict, "impossible event")
        count &+= 1
        last = what
    }
}
