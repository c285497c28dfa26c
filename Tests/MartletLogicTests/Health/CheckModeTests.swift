import MartletBase
import MartletLogic
import Testing

@Suite struct CheckModeTests {
    private let a = TargetID(1)
    private let b = TargetID(2)

    @Test func aPathThatNoTargetHasIsReportedOnceAndCheckedByConnecting() {
        var mode = CheckMode(HealthPolicy())
        #expect(mode.answered(a, status: 404, of: 2) == .failed)
        #expect(mode.answered(a, status: 404, of: 2) == .failed)
        #expect(mode.kind == .http)
        #expect(mode.answered(b, status: 404, of: 2) == .passedByFallingBackToTCP)
        #expect(mode.kind == .tcp)
        #expect(mode.answered(b, status: 404, of: 2) == .failed)
    }

    @Test func oneTargetThatHasThePathProvesIt() {
        var mode = CheckMode(HealthPolicy())
        #expect(mode.answered(a, status: 404, of: 2) == .failed)
        #expect(mode.answered(b, status: 200, of: 2) == .passed)
        #expect(mode.answered(a, status: 404, of: 2) == .failed)
        #expect(mode.answered(b, status: 404, of: 2) == .failed)
        #expect(mode.kind == .http)
    }

    @Test func aDeadTargetDoesNotKeepTheOthersFromFallingBack() {
        var mode = CheckMode(HealthPolicy())
        #expect(mode.answered(a, status: 404, of: 2) == .failed)
        mode.unreachable(b)
        #expect(mode.kind == .http)
        #expect(mode.answered(a, status: 404, of: 2) == .passedByFallingBackToTCP)
    }

    @Test func aTargetThatLeftIsNotCounted() {
        var mode = CheckMode(HealthPolicy())
        #expect(mode.answered(a, status: 404, of: 2) == .failed)
        mode.removed(a)
        #expect(mode.answered(b, status: 404, of: 2) == .failed)
    }

    @Test(arguments: [(200, true), (204, true), (302, true), (400, false), (404, false), (503, false)])
    func withoutExpectationsAny2xxOr3xxPasses(status: Int, passes: Bool) {
        var mode = CheckMode(HealthPolicy())
        #expect((mode.answered(a, status: status, of: 2) == .passed) == passes)
    }

    @Test func anExpected404Passes() {
        var policy = HealthPolicy()
        policy.expect = 404...404
        var mode = CheckMode(policy)
        #expect(mode.answered(a, status: 404, of: 1) == .passed)
        #expect(mode.answered(a, status: 200, of: 1) == .failed)
        #expect(mode.kind == .http)
    }
}
