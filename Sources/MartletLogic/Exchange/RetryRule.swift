public import MartletBase

/// What is known about an attempt that ended before a byte of its answer reached the client.
public struct FailedAttempt: Sendable, Equatable {
    public var failure: FailureClass
    /// Bytes of the request may have reached the target.
    public var wasSent: Bool
    /// It used a kept-alive connection that died before any byte of an answer: the stale keep-alive race, which says
    /// nothing about the target.
    public var wasStaleConnection: Bool
    /// The target is out now, by this failure or by its health checks.
    public var isTargetEjected: Bool

    public init(
        _ failure: FailureClass, wasSent: Bool, wasStaleConnection: Bool = false, isTargetEjected: Bool = false
    ) {
        self.failure = failure
        self.wasSent = wasSent
        self.wasStaleConnection = wasStaleConnection
        self.isTargetEjected = isTargetEjected
    }
}

/// Whether a failed attempt may be tried again: nginx's `proxy_next_upstream` with the POST rule, plus the case of a
/// model request that waits at a target which is lost.
public enum RetryRule {
    /// True when `policy` allows another attempt after `attempt`, the number of attempts and the budget aside.
    ///
    /// A request of which nothing was sent is always safe to try elsewhere.
    public static func allows(_ attempt: FailedAttempt, isIdempotent: Bool, policy: RetryConditions) -> Bool {
        if !attempt.wasSent { return !attempt.failure.concernsNoTarget }
        guard let condition = condition(for: attempt.failure) else { return false }
        guard policy.contains(condition) else { return false }
        if isIdempotent || policy.contains(.nonIdempotent) { return true }
        let isLost = attempt.isTargetEjected || attempt.failure == .firstByteTimeout
        return isLost && policy.contains(.nonIdempotentWhenEjected)
    }

    /// The condition a status stands for, when the target answered with it.
    public static func condition(forStatus status: Int) -> RetryConditions? {
        switch status {
        case 429: .http429
        case 500: .http500
        case 502: .http502
        case 503: .http503
        case 504: .http504
        default: nil
        }
    }

    private static func condition(for failure: FailureClass) -> RetryConditions? {
        switch failure {
        case .connect, .tls, .reset, .malformed, .ejected, .truncated: .error
        case .connectTimeout, .firstByteTimeout: .timeout
        case .stall, .status5xx, .status429, .deadline, .noDescriptor: nil
        }
    }
}
