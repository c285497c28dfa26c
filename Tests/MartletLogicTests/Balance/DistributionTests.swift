import MartletBase
import Testing

@testable import MartletLogic

@Suite struct DistributionTests {
    private func seats(_ weights: [Int]) -> [Seat] {
        weights.enumerated().map { index, weight in
            var seat = Seat(weight: weight, key: UInt64(index) &* 0xABCD_EF12_3456_789B)
            seat.isEligible = true
            return seat
        }
    }

    @Test func randomTwoFollowsWeightsWhenIdle() {
        var seats = seats([6, 3, 3])
        var policy = RandomTwo(seed: 11)
        var counts = [0, 0, 0]
        for _ in 0..<30_000 {
            if let index = policy.pick(&seats, key: nil) { counts[index] += 1 }
        }
        #expect((14_000...16_000).contains(counts[0]), "\(counts)")
        #expect((7_000...8_000).contains(counts[1]), "\(counts)")
    }

    @Test func randomTwoKeepsLoadsClose() {
        var seats = seats([1, 1, 1, 1, 1, 1, 1, 1])
        var policy = RandomTwo(seed: 3)
        for _ in 0..<8_000 {
            if let index = policy.pick(&seats, key: nil) { seats[index].inflight += 1 }
        }
        #expect(seats.allSatisfy { abs($0.inflight - 1000) <= 10 }, "\(seats.map(\.inflight))")
    }

    @Test func theSameSeedMakesTheSameChoices() {
        func choices() -> [Int] {
            var seats = seats([1, 2, 3])
            var policy = RandomTwo(seed: 42)
            return (0..<50).compactMap { _ in policy.pick(&seats, key: nil) }
        }
        #expect(choices() == choices())
    }

    @Test func hashSharesKeysByWeight() {
        var seats = seats([4, 2, 2])
        var policy = BoundedHash(bound: 1000)
        var counts = [0, 0, 0]
        for key in 0..<40_000 as Range<UInt64> {
            if let index = policy.pick(&seats, key: key) { counts[index] += 1 }
        }
        #expect((19_000...21_000).contains(counts[0]), "\(counts)")
        #expect((9_300...10_700).contains(counts[1]), "\(counts)")
    }

    @Test func aSeatThatLeavesMovesOnlyItsOwnKeys() {
        var seats = seats([1, 1, 1, 1])
        var policy = BoundedHash(bound: 1000)
        let before = (0..<2_000 as Range<UInt64>).map { policy.pick(&seats, key: $0) }
        seats[2].isEligible = false
        let after = (0..<2_000 as Range<UInt64>).map { policy.pick(&seats, key: $0) }
        #expect(zip(before, after).allSatisfy { $0 == $1 || $0 == 2 })
        #expect(!after.contains(2))
    }

    @Test func noSeatTakesMoreThanItsBoundOfOneHotKey() {
        var seats = seats([1, 1, 1, 1])
        var policy = BoundedHash(bound: 1.25)
        for taken in 1...400 {
            guard let index = policy.pick(&seats, key: 7) else { break }
            seats[index].inflight += 1
            let most = seats.map(\.inflight).max() ?? 0
            #expect(Double(most) <= 1.25 * Double(taken) / 4 + 1)
        }
        #expect(seats.map(\.inflight).reduce(0, +) == 400)
    }

    @Test func requestsWithoutAKeyGoToTheLeastBusy() {
        var seats = seats([1, 1, 1])
        seats[0].inflight = 3
        seats[1].inflight = 1
        seats[2].inflight = 2
        var policy = BoundedHash(bound: 1.25)
        #expect(policy.pick(&seats, key: nil) == 1)
    }

    @Test func theLogarithmIsGoodToSixDigits() {
        let known: [(Double, Double)] = [
            (1, 0), (0.5, -0.693_147_180_6), (0.1, -2.302_585_093), (0.9, -0.105_360_515_7), (1e-9, -20.723_265_84),
        ]
        for (x, expected) in known {
            #expect(abs(BoundedHash.naturalLogarithm(x) - expected) < 1e-5, "\(x)")
        }
    }

    @Test func weightsBeyondReasonDoNotOverflow() {
        var seats = [Seat(weight: .max, key: 1), Seat(weight: -5, key: 2)]
        for index in seats.indices {
            seats[index].isEligible = true
            seats[index].inflight = 1_000_000
        }
        var policy = LeastConnections()
        #expect(policy.pick(&seats, key: nil) == 0)
    }
}
