import MartletBase
import Testing

@testable import MartletLogic

@Suite struct TargetHealthTests {
    private func health(
        _ policy: TargetPolicy = TargetPolicy(), checks: HealthPolicy = HealthPolicy(), breaker: BreakerPolicy? = nil
    ) -> TargetHealth {
        TargetHealth(policy, checks: checks, breaker: breaker)
    }

    private let twoIn30 = TargetPolicy.with {
        $0.maxFails = 2
        $0.failTimeout = .seconds(30)
    }

    @Test func failuresFurtherApartThanFailTimeoutDoNotAddUp() {
        var health = health(twoIn30)
        health.failed(.connect, now: at(0))
        health.failed(.connect, now: at(30.5))
        #expect(health.availability(now: at(30.5)) == .up)
        health.failed(.connect, now: at(60))
        #expect(health.availability(now: at(60)) == .down(.failures, until: at(90)))
    }

    @Test func aSuccessInBetweenDoesNotForgiveAFailureWithinFailTimeout() {
        var health = health(twoIn30)
        health.failed(.connect, now: at(0))
        health.succeeded(now: at(1))
        health.failed(.connect, now: at(2))
        #expect(health.state(now: at(2)) == .down(.failures))
    }

    @Test func maxFailsZeroNeverEjects() {
        var health = health(.with { $0.maxFails = 0 })
        for second in 0..<100 { health.failed(.status5xx, now: at(Double(second))) }
        #expect(health.availability(now: at(100)) == .up)
        #expect(health.failures[.status5xx] == 100)
    }

    @Test(arguments: FailureClass.allCases) func eachClassIsCountedApart(failure: FailureClass) {
        var health = health(twoIn30)
        health.failed(failure, now: at(0))
        health.failed(failure, now: at(1))
        #expect(health.failures[failure] == 2)
        #expect(health.failures.total == 2)
        #expect((health.availability(now: at(1)) == .up) == !failure.blamesTarget)
    }

    @Test func halfOpenLetsOneTrialThroughAndItsHeadIsProofEnough() {
        var health = health(twoIn30)
        health.failed(.connect, now: at(0))
        health.failed(.connect, now: at(0))
        #expect(health.availability(now: at(29.9)) == .down(.failures, until: at(30)))
        #expect(health.availability(now: at(30)) == .halfOpen)
        health.began(now: at(31))
        #expect(health.availability(now: at(32)) == .down(.failures, until: at(61)))
        health.answered(now: at(33))
        #expect(health.availability(now: at(33)) == .up)
    }

    @Test func aSuccessfulTrialForgetsTheFailuresBeforeIt() {
        let tolerant = TargetPolicy.with {
            $0.maxFails = 19
            $0.failTimeout = .seconds(2)
        }
        var health = health(tolerant, breaker: BreakerPolicy())
        for _ in 0..<19 { health.failed(.connect, now: at(0)) }
        health.began(now: at(2))
        health.succeeded(now: at(3))
        health.failed(.connect, now: at(4))
        #expect(health.state(now: at(4)) == .up)
        #expect(health.breakerState(now: at(4)) == .shut)
    }

    @Test func aTrialThatHangsKeepsOthersOutForFailTimeoutOnly() {
        var health = health(twoIn30)
        health.failed(.connect, now: at(0))
        health.failed(.connect, now: at(0))
        health.began(now: at(31))
        #expect(health.availability(now: at(61)) == .halfOpen)
    }

    @Test func anOldSuccessDoesNotBringAnEjectedTargetBack() {
        var health = health(twoIn30)
        health.failed(.truncated, now: at(0))
        health.failed(.truncated, now: at(0))
        health.succeeded(now: at(1))
        #expect(health.state(now: at(1)) == .down(.failures))
    }

    @Test func aRateLimitHoldsForRetryAfterAndNoLongerThanFiveMinutes() {
        var health = health()
        health.failed(.status429, now: at(0))
        #expect(health.availability(now: at(0)) == .up)
        health.failed(.status429, retryAfter: .seconds(7), now: at(0))
        #expect(health.availability(now: at(6.9)) == .down(.rateLimited, until: at(7)))
        #expect(health.availability(now: at(7)) == .up)
        health.failed(.status429, retryAfter: .seconds(86_400), now: at(10))
        #expect(health.availability(now: at(11)) == .down(.rateLimited, until: at(310)))
    }

    @Test func slowStartGrowsFromATenthAfterAReturn() {
        var health = health(
            .with {
                $0.maxFails = 1
                $0.slowStart = .seconds(10)
            })
        #expect(health.sharePercent(now: at(0)) == 100)
        health.failed(.connect, now: at(0))
        health.checkPassed(now: at(1))
        #expect(health.state(now: at(1)) == .slowStart)
        #expect(health.sharePercent(now: at(1)) == 10)
        #expect(health.sharePercent(now: at(6)) == 55)
        #expect(health.sharePercent(now: at(11)) == 100)
        health.refresh(now: at(11))
        #expect(health.isPlainlyUp)
    }

    @Test func passingChecksOfAGoodTargetDoNotStartASlowStart() {
        var health = health(.with { $0.slowStart = .seconds(10) })
        health.checkPassed(now: at(0))
        #expect(health.state(now: at(0)) == .up)
    }

    @Test func checksCountInARow() {
        var checks = HealthPolicy()
        checks.healthy = 2
        checks.unhealthy = 3
        var health = health(checks: checks)
        health.checkFailed(now: at(0))
        health.checkFailed(now: at(1))
        health.checkPassed(now: at(2))
        health.checkFailed(now: at(3))
        health.checkFailed(now: at(4))
        #expect(health.state(now: at(4)) == .up)
        health.checkFailed(now: at(5))
        #expect(health.state(now: at(5)) == .down(.check))
        health.checkPassed(now: at(6))
        #expect(health.state(now: at(6)) == .down(.check))
        health.checkPassed(now: at(7))
        #expect(health.state(now: at(7)) == .up)
    }

    @Test func checksThatPassedBeforeAnEjectionDoNotEndIt() {
        var checks = HealthPolicy()
        checks.healthy = 2
        var health = health(checks: checks)
        health.checkPassed(now: at(0))
        health.checkPassed(now: at(1))
        health.failed(.connect, now: at(2))
        health.checkPassed(now: at(3))
        #expect(health.state(now: at(3)) == .down(.failures))
        health.checkPassed(now: at(4))
        #expect(health.state(now: at(4)) == .up)
    }

    @Test func aDownTargetIsLookedAtEverySecond() {
        var health = health()
        #expect(health.probeInterval(now: at(0)) == .seconds(5))
        health.failed(.connect, now: at(0))
        #expect(health.probeInterval(now: at(0)) == .seconds(1))
        health.checkPassed(now: at(1))
        #expect(health.probeInterval(now: at(1)) == .seconds(5))
        health.operatorState = .removed
        #expect(health.probeInterval(now: at(1)) == nil)
    }

    @Test func withoutChecksNothingIsLookedAt() {
        var checks = HealthPolicy()
        checks.kind = .off
        #expect(health(checks: checks).probeInterval(now: at(0)) == nil)
    }
}
