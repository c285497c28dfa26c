import MartletBase
import MartletLogic
import Testing

@Suite("Retry rule")
struct RetryRuleTests {
    /// Every set of the conditions that bear on failed attempts.
    static let policies: [RetryConditions] = (0..<16).map { bits in
        let all: [RetryConditions] = [.error, .timeout, .nonIdempotent, .nonIdempotentWhenEjected]
        return RetryConditions(all.indices.filter { bits >> $0 & 1 == 1 }.map { all[$0] })
    }

    private func allows(
        _ failure: FailureClass, _ policy: RetryConditions, sent: Bool = true, idempotent: Bool = true,
        ejected: Bool = false
    ) -> Bool {
        let attempt = FailedAttempt(failure, wasSent: sent, isTargetEjected: ejected)
        return RetryRule.allows(attempt, isIdempotent: idempotent, policy: policy)
    }

    @Test("the condition that stands for each failure", arguments: FailureClass.allCases)
    func condition(failure: FailureClass) {
        let condition: RetryConditions? =
            switch failure {
            case .connect, .tls, .reset, .malformed, .ejected, .truncated: .error
            case .connectTimeout, .firstByteTimeout: .timeout
            case .stall, .status5xx, .status429, .deadline, .noDescriptor: nil
            }
        for policy in Self.policies {
            let isStated = condition.map { policy.contains($0) } ?? false
            #expect(allows(failure, policy) == isStated, "\(failure) \(policy)")
        }
    }

    @Test(
        "what was never sent may always go elsewhere, but for a passed deadline and want of descriptors",
        arguments: FailureClass.allCases)
    func unsent(failure: FailureClass) {
        for policy in Self.policies {
            for idempotent in [true, false] {
                let isAllowed = failure != .deadline && failure != .noDescriptor
                #expect(allows(failure, policy, sent: false, idempotent: idempotent) == isAllowed)
            }
        }
    }

    @Test("a POST that was sent", arguments: FailureClass.allCases)
    func post(failure: FailureClass) {
        for policy in Self.policies {
            for ejected in [true, false] {
                let isLost = ejected || failure == .firstByteTimeout
                let mayRepeat =
                    policy.contains(.nonIdempotent) || (isLost && policy.contains(.nonIdempotentWhenEjected))
                let expected = mayRepeat && allows(failure, policy)
                let found = allows(failure, policy, idempotent: false, ejected: ejected)
                #expect(found == expected, "\(failure) \(policy) ejected: \(ejected)")
            }
        }
    }

    @Test("the default of a model route, case by case")
    func modelRoute() {
        let policy: RetryConditions = [.error, .timeout, .nonIdempotentWhenEjected]
        func post(_ failure: FailureClass, ejected: Bool) -> Bool {
            allows(failure, policy, idempotent: false, ejected: ejected)
        }
        #expect(post(.firstByteTimeout, ejected: false))
        #expect(post(.ejected, ejected: true))
        #expect(post(.reset, ejected: true))
        #expect(!post(.reset, ejected: false))
        #expect(!post(.malformed, ejected: false))
        #expect(!post(.stall, ejected: true))
        #expect(allows(.connect, [], sent: false, idempotent: false))
    }

    @Test("statuses and their conditions")
    func statuses() {
        let known: [Int: RetryConditions] = [429: .http429, 500: .http500, 502: .http502, 503: .http503, 504: .http504]
        for status in 100...599 {
            #expect(RetryRule.condition(forStatus: status) == known[status])
        }
    }
}
