import MartletBase
import MartletLogic

/// An instant some seconds after a start that is not zero, as with a real clock.
func at(_ seconds: Double) -> Instant {
    Instant(nanoseconds: 1_000_000_000_000 + UInt64(seconds * 1e9))
}

extension TargetPolicy {
    static func with(_ change: (inout TargetPolicy) -> Void) -> TargetPolicy {
        var policy = TargetPolicy()
        change(&policy)
        return policy
    }
}

extension PoolPolicy {
    static func with(_ change: (inout PoolPolicy) -> Void) -> PoolPolicy {
        var policy = PoolPolicy()
        change(&policy)
        return policy
    }
}

extension PickRequest {
    /// A request with a number for a name.
    static func number(
        _ number: UInt64, _ priority: PriorityClass = .interactive, deadline: Instant = .never,
        finish: Instant = .never, bytes: Int = 0, key: UInt64? = nil, excluding: [TargetID] = []
    ) -> PickRequest {
        PickRequest(
            waiter: WaiterID(number), priority: priority, deadline: deadline, finish: finish, bytes: bytes,
            hashKey: key, excluding: excluding)
    }
}

extension PickResult {
    var target: TargetID? {
        if case .target(let id) = self { id } else { nil }
    }

    var refusal: Refusal? {
        if case .refused(let refusal, _) = self { refusal } else { nil }
    }
}
