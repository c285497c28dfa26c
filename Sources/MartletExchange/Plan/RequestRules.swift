package import MartletLogic

/// What holds for the requests of one route in one pool: the pool's rules with those that the route states put in.
package struct RequestRules: Sendable {
    package let timeouts: TimeoutIntervals
    package let retry: RetryPolicy

    package init(timeouts: Timeouts = Timeouts(), retry: RetryPolicy = RetryPolicy(), isModelAPI: Bool = false) {
        self.timeouts = TimeoutIntervals(timeouts)
        var retry = retry
        // A model's answer that has not begun is worth a second try where the first target is lost.
        if isModelAPI, !retry.isOnStated { retry.on.insert(.nonIdempotentWhenEjected) }
        self.retry = retry
    }

    init(_ pool: Pool, isModelAPI: Bool) {
        self.init(timeouts: pool.policy.timeouts, retry: pool.policy.retry, isModelAPI: isModelAPI)
    }

    /// For requests that have no pool yet.
    static let none = RequestRules()
    /// For handlers inside this process, which take part in no connecting.
    static let local: RequestRules = {
        var timeouts = Timeouts()
        timeouts.connect = timeouts.total
        return RequestRules(timeouts: timeouts)
    }()
}
