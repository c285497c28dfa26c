import MartletBase
import Testing

@testable import MartletLogic

@Suite struct NginxFormulaTests {
    private func seats(_ weights: [Int]) -> [Seat] {
        weights.enumerated().map { index, weight in
            var seat = Seat(weight: weight, key: UInt64(index))
            seat.isEligible = true
            return seat
        }
    }

    @Test func smoothRoundRobinSpreadsAHeavyTarget() {
        var seats = seats([5, 1, 1])
        var policy = SmoothRoundRobin()
        let picks = (0..<7).compactMap { _ in policy.pick(&seats, key: nil) }
        #expect(picks == [0, 0, 1, 0, 2, 0, 0])
    }

    @Test func leastConnectionsBreaksTiesByTurns() {
        var seats = seats([3, 3])
        var policy = LeastConnections()
        var picks: [Int] = []
        for _ in 0..<8 {
            guard let index = policy.pick(&seats, key: nil) else { break }
            seats[index].inflight += 1
            picks.append(index)
        }
        #expect(picks == [0, 1, 1, 0, 0, 1, 1, 0])
    }

    @Test func leastConnectionsFillsByWeight() {
        var seats = seats([4, 2, 1])
        var policy = LeastConnections()
        for _ in 0..<70 {
            if let index = policy.pick(&seats, key: nil) { seats[index].inflight += 1 }
        }
        #expect(seats.map(\.inflight) == [40, 20, 10])
    }

    @Test func nothingEligibleGivesNothing() {
        var seats = seats([1, 1])
        for index in seats.indices { seats[index].isEligible = false }
        var leastConnections = LeastConnections()
        var roundRobin = SmoothRoundRobin()
        var randomTwo = RandomTwo(seed: 1)
        var hash = BoundedHash(bound: 1.25)
        #expect(leastConnections.pick(&seats, key: nil) == nil)
        #expect(roundRobin.pick(&seats, key: nil) == nil)
        #expect(randomTwo.pick(&seats, key: nil) == nil)
        #expect(hash.pick(&seats, key: 5) == nil)
    }

    /// Long random lives, with targets that fail, go and come: each choice is the one nginx would make.
    @Test(arguments: 0..<40) func choosesWhatNginxWouldChoose(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let weights = (0..<Int.random(in: 2...7, using: &random)).map { _ in Int.random(in: 1...6, using: &random) }
        var seats = seats(weights)
        var nginx = NginxReference(weights: weights)
        var least = LeastConnections()
        var round = SmoothRoundRobin()
        for step in 0..<400 {
            let index = Int.random(in: weights.indices, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0:
                nginx.peers[index].isUsable.toggle()
                seats[index].isEligible.toggle()
            case 1:
                nginx.fail(index, maxFails: 2)
                seats[index].penalise(maxFails: 2)
            case 2, 3:
                guard nginx.peers[index].conns > 0 else { continue }
                nginx.peers[index].conns -= 1
                seats[index].inflight -= 1
            case 4:
                try #require(round.pick(&seats, key: nil) == nginx.roundRobin(), "step \(step)")
            default:
                let ours = least.pick(&seats, key: nil)
                if let ours { seats[ours].inflight += 1 }
                try #require(ours == nginx.leastConnections(), "step \(step)")
            }
        }
    }
}
