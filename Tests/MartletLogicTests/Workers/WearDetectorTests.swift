import MartletBase
import MartletLogic
import Testing

/// Lives of workers, looked at every so many requests.
@Suite struct WearDetectorTests {
    private static let limit = 10_000

    /// The first verdict that is not `sound`, and after how many requests, of a worker that holds what `held` says.
    private func life(
        _ change: (inout RecyclePolicy) -> Void = { _ in }, limit: Int = limit, requests: Int = 20_000, step: Int = 37,
        resident: (Int) -> Int = { _ in 100 << 20 }, held: (Int) -> Int
    ) -> (verdict: WearDetector.Verdict, served: Int)? {
        var policy = RecyclePolicy()
        change(&policy)
        var detector = WearDetector(policy: policy)
        for served in stride(from: step, through: requests, by: step) {
            let verdict = detector.look(
                .init(served: served, descriptors: held(served), limit: limit, residentBytes: resident(served)))
            if verdict != .sound { return (verdict, served) }
        }
        return nil
    }

    @Test func oneDescriptorForEachRequestIsALeak() throws {
        let found = try #require(life { 20 + $0 })
        #expect(found.verdict == .worn(.descriptors))
        #expect(found.served < 1_000, "\(found.served)")
    }

    @Test(arguments: [10, 50]) func oneForEachOfManyRequestsIsALeak(every: Int) throws {
        var random = SplitMix64(seed: 1)
        let found = try #require(life { 20 + $0 / every + Int.random(in: 0...3, using: &random) })
        #expect(found.verdict == .worn(.descriptors))
    }

    /// Whoever looks long enough sees anything once: what is bounded is how seldom.
    @Test func whatComesAndGoesIsHardlyEverTakenForALeak() {
        let alarms = (1...300 as ClosedRange<UInt64>).filter { seed in
            var random = SplitMix64(seed: seed)
            let most = Int.random(in: 1...500, using: &random)
            return life { _ in 20 + Int.random(in: 0...most, using: &random) } != nil
        }
        #expect(alarms.count <= 3, "of 300 lives of 20,000 requests: \(alarms)")
    }

    @Test(arguments: 1...50 as ClosedRange<UInt64>) func aLeakIsFoundInTheMidstOfWhatComesAndGoes(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let found = try #require(life { 20 + $0 / 5 + Int.random(in: 0...8, using: &random) })
        #expect(found.verdict == .worn(.descriptors))
        #expect(found.served < 6_000, "\(found.served)")
    }

    @Test func whatIsOpenedAtTheBeginningOrNowAndThenIsNoLeak() {
        #expect(life { 20 + min($0, 150) } == nil, "a pool of connections that fills")
        #expect(life { $0 < 3_000 ? 20 : 120 } == nil, "another model is loaded")
        #expect(life { 20 + $0 / 2_000 } == nil, "a file a day")
    }

    @Test func whatIsCollectedNowAndThenIsNoLeak() {
        #expect(life { 20 + $0 % 300 } == nil, "the floor falls with each collection")
    }

    @Test func aLeakThatIsFastIsStoppedBeforeTheLimit() throws {
        for step in [10, 50, 100, 200] {
            let found = try #require(life(limit: 1024, step: step) { 20 + $0 })
            #expect(20 + found.served + step < 1024, "\(step): \(found)")
        }
        let found = try #require(life(limit: 1024, step: 200) { 20 + $0 })
        #expect(found.verdict == .spent(.descriptors), "there is no time to find out more")
    }

    @Test func aWornOneThatServesOnIsSpentInTime() {
        var detector = WearDetector(policy: RecyclePolicy())
        var verdicts: [WearDetector.Verdict] = []
        for served in stride(from: 0, through: 800, by: 40) {
            verdicts.append(
                detector.look(.init(served: served, descriptors: 20 + served, limit: 1024, residentBytes: 0)))
        }
        let worn = verdicts.firstIndex(of: .worn(.descriptors))
        let spent = verdicts.firstIndex(of: .spent(.descriptors))
        #expect(worn != nil && spent != nil && worn ?? 0 < spent ?? 0, "\(verdicts)")
    }

    @Test func manyDescriptorsAloneAreNoReason() {
        #expect(life(limit: 1024) { _ in 1000 } == nil)
    }

    @Test func memoryAndRequestsHaveLimitsWhereTheyAreStated() throws {
        let grown = try #require(
            life({ $0.memory = 200 << 20 }, resident: { (100 << 20) + ($0 << 10) * 10 }, held: { _ in 20 }))
        #expect(grown.verdict == .worn(.memory) && grown.served * 10 > 100 << 10)
        let many = try #require(life({ $0.requests = 1000 }, step: 1, held: { _ in 20 }))
        #expect(many.verdict == .worn(.requests) && many.served == 1000)
        #expect(life({ $0.descriptors = false }, held: { 20 + $0 }) == nil)
    }
}
