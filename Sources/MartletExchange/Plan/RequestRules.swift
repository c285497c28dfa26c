package import MartletLogic

/// What holds for the requests of one route in one pool: the pool's rules with those that the route states put in.
package struct RequestRules: Sendable {
    package let timeouts: TimeoutIntervals
    package let retry: RetryPolicy
    /// What keeps requests together; nil where the pool does not balance by a key.
    let hash: HashPolicy.Key?
    /// Whether the targets' limits follow the time that answers take to begin.
    let isLimitAdaptive: Bool

    package init(
        timeouts: Timeouts = Timeouts(), retry: RetryPolicy = RetryPolicy(), hash: HashPolicy.Key? = nil,
        limit: LimitPolicy = .fixed, isModelAPI: Bool = false
    ) {
        self.timeouts = TimeoutIntervals(timeouts)
        var retry = retry
        // A model's answer that has not begun is worth a second try where the first target is lost.
        if isModelAPI, !retry.isOnStated { retry.on.insert(.nonIdempotentWhenEjected) }
        self.retry = retry
        self.hash = hash
        isLimitAdaptive = limit == .adaptive
    }

    init(_ pool: Pool, isModelAPI: Bool) {
        let policy = pool.policy
        self.init(
            timeouts: policy.timeouts, retry: policy.retry, hash: policy.hashKey, limit: policy.limit,
            isModelAPI: isModelAPI)
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

extension PoolPolicy {
    /// nil: requests are not kept together.
    package var hashKey: HashPolicy.Key? { balance == .hash ? hash.key : nil }
}
