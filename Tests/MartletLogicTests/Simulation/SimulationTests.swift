import MartletBase
import MartletLogic
import MartletTesting
import Testing

/// A few lives of a pool in simulated time. `Tests/Simulation/run.sh` lives twenty thousand, optimised.
@Suite("Simulation") struct SimulationTests {
    @Test("nothing is lost, leaked, given twice or forgotten")
    func lives() {
        var met = SimulationCounts()
        for seed in 0..<60 as Range<UInt64> {
            let simulation = Simulation(seed: seed)
            #expect(simulation.run() == [], "seed \(seed): Tests/Simulation/run.sh --replay \(seed)")
            met += simulation.met
        }
        // A quiet life proves nothing.
        for outcome in [Outcome.completed, .clientGone, .refused, .upstreamFailed, .truncated, .timedOut] {
            #expect(met.outcomes[outcome] ?? 0 > 5, "\(outcome.text): \(met)")
        }
        for refusal in [Refusal.noTarget, .allDown, .queueFull, .tooLate] {
            #expect(met.refusals[refusal] ?? 0 > 0, "\(refusal.text): \(met)")
        }
        #expect(min(met.grants, met.retries, met.ejections, met.panics) > 50, "\(met)")
        #expect(min(met.evictions, met.expiries, met.hopeless) > 0, "\(met)")
    }

    @Test("the same seed lives the same life")
    func repeats() {
        for seed in 0..<10 as Range<UInt64> {
            let first = Simulation(seed: seed)
            let second = Simulation(seed: seed)
            #expect(first.run() == second.run())
            #expect(first.met == second.met)
        }
    }
}
