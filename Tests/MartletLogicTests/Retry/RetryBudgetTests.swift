import MartletBase
import MartletLogic
import Testing

@Suite struct RetryBudgetTests {
    @Test(arguments: [(0, 3), (10, 3), (15, 3), (20, 4), (1000, 200)])
    func allowsAShareAndNeverFewerThanThree(active: Int, allowed: Int) {
        var budget = RetryBudget(share: 0.2)
        var begun = 0
        while budget.begin(active: active) { begun += 1 }
        #expect(begun == allowed)
    }

    @Test func aPlaceGivenBackCanBeTakenAgain() {
        var budget = RetryBudget(share: 0)
        for _ in 0..<3 { #expect(budget.begin(active: 0) == true) }
        #expect(budget.begin(active: 0) == false)
        #expect(budget.end() == true)
        #expect(budget.begin(active: 0) == true)
    }

    @Test func endingWhatNeverBeganChangesNothing() {
        var budget = RetryBudget(share: 0.2)
        #expect(budget.end() == false)
        #expect(budget.inProgress == 0)
    }

    @Test(arguments: [Double.nan, -1, .infinity]) func nonsenseSharesDoNoHarm(share: Double) {
        var budget = RetryBudget(share: share)
        #expect(budget.allowance(active: 5) >= 3)
        #expect(budget.begin(active: 5) == true)
    }
}
