import MartletLogic
import MartletTesting
import Testing

/// Lives of what runs tasks, in simulated time. `Tests/Simulation/run.sh` lives twenty thousand, optimised.
@Suite struct TaskSimulationTests {
    @Test func noTaskIsLostOrEndsTwice() {
        var met = TaskCounts()
        for seed in 0..<150 as Range<UInt64> {
            var life = TaskSimulation(seed: seed)
            #expect(life.run() == [], "seed \(seed): Tests/Simulation/run.sh --replay \(seed)")
            met += life.met
        }
        // A quiet life proves nothing.
        #expect(min(met.commits, met.runs, met.retries, met.returns) > 500, "\(met)")
        #expect(min(met.fenced, met.abandoned, met.postponed, met.buried, met.revoked, met.expired) > 20, "\(met)")
        #expect(min(met.timeouts, met.deaths, met.drains, met.joint, met.shared) > 20, "\(met)")
    }

    @Test func aFloodMakesOthersWaitTwiceAsLongAtMost() {
        var alone = WaitCounts()
        var flooded = WaitCounts()
        for seed in 0..<60 as Range<UInt64> {
            var life = FairnessSimulation(seed: seed)
            #expect(life.run() == [], "seed \(seed)")
            alone += life.alone
            flooded += life.flooded
        }
        #expect(alone.count > 2500 && alone.count == flooded.count)
        let (before, after) = (alone.percentile(95), flooded.percentile(95))
        #expect(after <= 2 * before, "\(before) mean runs without the flood, \(after) with it")
    }

    @Test func workersComeInTimeGoInTimeAndCostNoMoreThanTheyMay() {
        var met = ScaleCounts()
        for seed in 0..<60 as Range<UInt64> {
            var life = ScaleSimulation(seed: seed)
            #expect(life.run() == [], "seed \(seed)")
            met += life.met
        }
        #expect(min(met.growths, met.shrinks, met.capped) > 20, "\(met)")
    }

    @Test func noTimeIsFiredTwiceAndNoneIsMissed() {
        var met = CronCounts()
        for seed in 0..<60 as Range<UInt64> {
            var life = CronSimulation(seed: seed)
            #expect(life.run() == [], "seed \(seed)")
            met += life.met
        }
        #expect(min(met.fired, met.leaders) > 100, "\(met)")
        #expect(min(met.madeUp, met.fenced) > 5, "\(met)")
    }

    @Test func theSameSeedLivesTheSameLife() {
        for seed in 0..<5 as Range<UInt64> {
            var first = TaskLives()
            var second = TaskLives()
            #expect(first.live(seed: seed) == second.live(seed: seed))
            #expect(first.text == second.text)
        }
    }
}
