import MartletBase
import Testing

@testable import MartletLogic

@Suite struct BreakerTests {
    private func breaker(_ change: (inout BreakerPolicy) -> Void = { _ in }) -> Breaker {
        var policy = BreakerPolicy()
        change(&policy)
        return Breaker(policy)
    }

    @Test func staysShutBelowTheMinimum() {
        var breaker = breaker()
        for _ in 0..<19 { breaker.failed(now: at(0)) }
        #expect(breaker.state == .shut)
        breaker.failed(now: at(1))
        #expect(breaker.state == .open(until: at(31)))
        #expect(breaker.openings == 1)
    }

    @Test func opensAtTheShareAndNotBelow() {
        var breaker = breaker()
        for _ in 0..<11 { breaker.succeeded(now: at(0)) }
        for _ in 0..<10 { breaker.failed(now: at(1)) }
        #expect(breaker.state == .shut)
        breaker.failed(now: at(1))
        #expect(breaker.state == .open(until: at(31)))
    }

    @Test func whatIsOlderThanTheWindowIsForgotten() {
        var breaker = breaker()
        for _ in 0..<19 { breaker.failed(now: at(0)) }
        breaker.failed(now: at(11))
        #expect(breaker.state == .shut)
    }

    @Test func whatIsYoungerThanTheWindowIsNotForgotten() {
        var breaker = breaker()
        for _ in 0..<19 { breaker.failed(now: at(0)) }
        breaker.failed(now: at(8.9))
        #expect(breaker.state == .open(until: at(38.9)))
    }

    @Test func aFailedTrialOpensItAnewAndASuccessfulOneShutsItWithAnEmptyWindow() {
        var breaker = breaker()
        for _ in 0..<20 { breaker.failed(now: at(0)) }
        breaker.trialFailed(now: at(40))
        #expect(breaker.state == .open(until: at(70)))
        breaker.trialSucceeded()
        #expect(breaker.state == .shut)
        for _ in 0..<19 { breaker.failed(now: at(71)) }
        #expect(breaker.state == .shut)
    }

    @Test func aPassingCheckOffersATrialEarly() {
        var breaker = breaker()
        for _ in 0..<20 { breaker.failed(now: at(0)) }
        breaker.offerTrial(now: at(2))
        #expect(breaker.state == .open(until: at(2)))
        breaker.offerTrial(now: at(3))
        #expect(breaker.state == .open(until: at(2)))
    }

    @Test func aWindowOfNothingAndAClockFarAheadDoNoHarm() {
        var breaker = breaker { $0.window = .zero }
        breaker.failed(now: .never)
        breaker.succeeded(now: .never)
        breaker.failed(now: Instant(nanoseconds: 0))
        #expect(breaker.state == .shut)
    }
}
