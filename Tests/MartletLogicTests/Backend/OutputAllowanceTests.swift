import MartletBase
import MartletLogic
import Testing

@Suite struct OutputAllowanceTests {
    private func logged(_ lines: Int, _ allowance: inout OutputAllowance, at now: Instant) -> Int {
        (0..<lines).count { _ in allowance.line(now: now) != .omit }
    }

    @Test func aBurstIsLoggedWhole() {
        var allowance = OutputAllowance(now: at(0))
        #expect(logged(OutputAllowance.burst, &allowance, at: at(0)) == OutputAllowance.burst)
        #expect(allowance.takeOmitted() == 0)
    }

    @Test func ofAFloodAFewLinesASecondAreLogged() {
        var allowance = OutputAllowance(now: at(0))
        _ = logged(100_000, &allowance, at: at(0))
        #expect(logged(100_000, &allowance, at: at(0.9)) == 0)
        #expect(logged(100_000, &allowance, at: at(1)) == OutputAllowance.perSecond)
        #expect(logged(100_000, &allowance, at: at(3)) == 2 * OutputAllowance.perSecond)
        #expect(logged(10_000, &allowance, at: at(1000)) == OutputAllowance.burst, "no more than a burst is saved up")
    }

    @Test func whatIsLeftOutIsCountedOnce() {
        var allowance = OutputAllowance(now: at(0))
        _ = logged(OutputAllowance.burst + 7, &allowance, at: at(0))
        #expect(allowance.line(now: at(1)) == .log(omitted: 7))
        #expect(allowance.line(now: at(1)) == .log(omitted: 0))
        _ = logged(OutputAllowance.burst, &allowance, at: at(1))
        #expect(allowance.takeOmitted() > 0)
        #expect(allowance.takeOmitted() == 0)
    }
}
