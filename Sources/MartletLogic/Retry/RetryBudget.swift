/// How many retries may run at one time: a share of the requests in progress, and never fewer than three.
///
/// Retries help when one target fails and harm when all of them struggle. A share of what is in progress allows the
/// first and bounds the second; the floor keeps quiet pools able to retry at all.
public struct RetryBudget: Sendable, Equatable {
    /// The share of the requests in progress, such as 0.2.
    public private(set) var share: Double
    /// Retries allowed however few requests are in progress.
    public static let floor = 3
    /// Retries in progress.
    public private(set) var inProgress = 0

    public init(share: Double) {
        self.share = 0
        adopt(share: share)
    }

    /// Another share; retries in progress go on.
    public mutating func adopt(share: Double) {
        // NaN and negative shares leave the floor alone.
        self.share = share > 0 ? share : 0
    }

    /// The retries allowed while `active` requests are in progress.
    public func allowance(active: Int) -> Int {
        max(Self.floor, Int(min(share * Double(active), Double(Int32.max))))
    }

    /// Takes a place for one retry; false when the budget is spent.
    public mutating func begin(active: Int) -> Bool {
        guard inProgress < allowance(active: active) else { return false }
        inProgress += 1
        return true
    }

    /// Gives the place back; false when none was taken.
    public mutating func end() -> Bool {
        guard inProgress > 0 else { return false }
        inProgress -= 1
        return true
    }
}
