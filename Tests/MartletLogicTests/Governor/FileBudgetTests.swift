import MartletLogic
import Testing

struct FileBudgetTests {
    @Test(arguments: [32, 64, 128, 256, 1_024, 4_096, 20_000, 1_048_576], [0, 13, 60])
    func sharesAndReserveNeverExceedTheLimit(limit: Int, standing: Int) {
        let budget = FileBudget(limit: limit, standing: standing)
        #expect(budget.clients + budget.upstreams + budget.other == budget.spendable)
        #expect(budget.spendable + budget.reserve == limit)
        #expect(budget.clients >= 1 && budget.upstreams >= 1)
        // Refusals, the console and what listeners accept ahead of the count leave something of the reserve.
        #expect(budget.refusals + budget.console + budget.batch < budget.reserve)
    }

    @Test func twentyThousandFilesCarryNineAndAHalfThousandStreams() {
        let budget = FileBudget(limit: 20_000, standing: 14)
        #expect(budget.reserve == 312)
        #expect(budget.clients >= 9_500 && budget.upstreams >= 9_500)
    }

    @Test func twoHundredAndFiftySixFilesLeaveRoomForWhatStandsThere() {
        let budget = FileBudget(limit: 256, standing: 14)
        #expect(budget.reserve == 64)
        #expect(budget.other == 22)
        #expect(budget.clients == 85)
        #expect(budget.upstreams == 85)
    }

    @Test func theLevelsOfPressureBeginWhereTheyAreDocumented() {
        #expect(Pressure.allCases.map(\.percent) == [0, 70, 80, 90, 95, 98])
        #expect(Pressure.allCases == Pressure.allCases.sorted())
    }
}
