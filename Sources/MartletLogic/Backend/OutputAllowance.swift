public import MartletBase

/// Decides how much of what the processes of one instance print becomes log lines: the longest traceback whole, a flood
/// in part.
///
/// It bounds the log, not the process: what it prints is read all the same, so that it never waits for us.
public struct OutputAllowance: Sendable {
    public enum Verdict: Sendable, Equatable {
        /// Log it; so many lines before it were not.
        case log(omitted: Int)
        case omit
    }

    /// Lines that may come at once.
    public static let burst = 1000
    /// Lines a second in the long run.
    public static let perSecond = 100

    private var credit = Double(burst)
    private var last: Instant
    /// Lines not logged that nobody was told of yet.
    public private(set) var omitted = 0
    /// Used up: until a second's lines are saved again, so that what was left out is told once a second, not each time.
    private var isMute = false

    public init(now: Instant) { last = now }

    /// The process printed a line.
    public mutating func line(now: Instant) -> Verdict {
        credit = min(Double(Self.burst), credit + max(0, (now - last).inSeconds) * Double(Self.perSecond))
        last = max(last, now)
        isMute = credit < (isMute ? Double(Self.perSecond) : 1)
        guard !isMute else {
            omitted += 1
            return .omit
        }
        credit -= 1
        return .log(omitted: takeOmitted())
    }

    /// Those are told of now.
    public mutating func takeOmitted() -> Int {
        defer { omitted = 0 }
        return omitted
    }
}
