public import MartletBase

/// How a pool's targets are checked, and what their answers mean.
///
/// A pool whose targets have no health path would be down as a whole for a reason that has nothing to do with health.
/// So when each target was looked at, and all that answered answered 404, the pool is checked by connecting alone from
/// then on, and the operator is told once. One answer of any other status proves that the path exists.
public struct CheckMode: Sendable {
    public enum Verdict: Sendable, Equatable {
        case passed, failed
        /// Passed, and from now on targets are checked by connecting: say so once.
        case passedByFallingBackToTCP
    }

    private enum Seen: Equatable { case notFound, unreachable }

    /// How to check now.
    public private(set) var kind: HealthPolicy.Kind
    private let expect: ClosedRange<Int>?
    private var seen: [TargetID: Seen] = [:]
    private var pathExists = false

    public init(_ policy: HealthPolicy) {
        kind = policy.kind
        expect = policy.expect
    }

    /// A target answered the health request with `status`; the pool has `count` targets.
    public mutating func answered(_ target: TargetID, status: Int, of count: Int) -> Verdict {
        let passes = expect.map { $0.contains(status) } ?? (200..<400).contains(status)
        guard status == 404, !passes else {
            pathExists = true
            seen.removeAll()
            return passes ? .passed : .failed
        }
        guard kind == .http, !pathExists else { return .failed }
        seen[target] = .notFound
        guard seen.count >= count else { return .failed }
        kind = .tcp
        seen.removeAll()
        return .passedByFallingBackToTCP
    }

    /// A target could not be reached, or did not answer in time: its check failed, and the others need not wait for it.
    public mutating func unreachable(_ target: TargetID) {
        guard kind == .http, !pathExists else { return }
        seen[target] = .unreachable
    }

    /// Forgets a target that left.
    public mutating func removed(_ target: TargetID) {
        seen[target] = nil
    }
}
