import MartletLogic
import MartletTesting
import Testing

/// Lives of a worker group in simulated time. `Tests/Simulation/run.sh` lives twenty thousand, optimised.
@Suite struct GroupSimulationTests {
    @Test(arguments: 0..<20 as Range<UInt64>) func noItemIsLostOrEndsTwice(hundred: UInt64) {
        var met = GroupCounts()
        for seed in hundred * 100..<hundred * 100 + 100 {
            var life = GroupSimulation(seed: seed)
            #expect(life.run() == [], "seed \(seed): Tests/Simulation/run.sh 1 \(seed)")
            met += life.met
        }
        // A quiet life proves nothing.
        #expect(min(met.fullBatches, met.ahead, met.crashes, met.splits, met.forgotten) > 50, "\(met)")
        #expect(met.kills > 0, "\(met)")
        for failure in ItemFailure.allCases { #expect(met.failures[failure] ?? 0 > 0, "\(failure.text): \(met)") }
    }

    @Test func theSameSeedLivesTheSameLife() {
        for seed in 0..<10 as Range<UInt64> {
            var first = GroupSimulation(seed: seed)
            var second = GroupSimulation(seed: seed)
            #expect(first.run() == second.run())
            #expect(first.met == second.met)
        }
    }
}
