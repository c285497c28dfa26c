public import MartletBase

/// How many attempts at a target failed, each class apart.
public struct FailureCounts: Sendable, Equatable {
    private var counts = InlineArray<13, UInt64>(repeating: 0)

    public init() {}

    public subscript(_ failure: FailureClass) -> UInt64 {
        counts[Int(failure.rawValue)]
    }

    /// All classes together.
    public var total: UInt64 {
        FailureClass.allCases.reduce(0) { $0 &+ self[$1] }
    }

    mutating func count(_ failure: FailureClass) {
        counts[Int(failure.rawValue)] &+= 1
    }

    public static func == (lhs: FailureCounts, rhs: FailureCounts) -> Bool {
        FailureClass.allCases.allSatisfy { lhs[$0] == rhs[$0] }
    }
}

extension FailureClass {
    /// Whether it is evidence against the target: it counts for `max_fails` and for the breaker.
    ///
    /// A 429 says "later" rather than "broken"; an ejection and a passed deadline are consequences, not causes.
    public var blamesTarget: Bool {
        switch self {
        case .connect, .connectTimeout, .tls, .reset, .firstByteTimeout, .stall, .truncated, .malformed, .status5xx:
            true
        case .status429, .ejected, .deadline, .noDescriptor:
            false
        }
    }
}
