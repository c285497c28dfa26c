import MartletBase
import MartletLogic
import Testing

@Suite struct RevocationsTests {
    private func revocations(maximum: Int = 3) -> Revocations {
        var policy = RevocationPolicy()
        policy.maximum = maximum
        policy.expiresMilliseconds = 1000
        return Revocations(policy: policy)
    }

    @Test func theyEnd() {
        var revocations = revocations()
        #expect(revocations.insert("a", now: 0) == 1000)
        #expect(revocations.contains("a", now: 999) && !revocations.contains("a", now: 1000))
        revocations.insert("b", now: 1000)
        #expect(revocations.entries.map(\.id) == ["b"])
    }

    @Test func aboveTheBoundTheOnesThatEndFirstAreForgotten() {
        var revocations = revocations()
        for (index, id) in ["a", "b", "c"].enumerated() { revocations.insert(id, now: Int64(index)) }
        // Said again, it lasts longer than the others.
        revocations.insert("a", now: 5)
        revocations.insert("d", now: 6)
        #expect(Set(revocations.entries.map(\.id)) == ["a", "c", "d"])
        #expect(revocations.count == 3)
    }

    @Test func whatOthersRememberIsTakenOverWithTheLaterEnd() {
        var revocations = revocations()
        revocations.adopt("a", expires: 500, now: 0)
        revocations.adopt("a", expires: 300, now: 0)
        revocations.adopt("old", expires: 10, now: 20)
        #expect(revocations.contains("a", now: 400) && revocations.count == 1)
    }

    @Test func oneThatIsSaidAgainAndAgainTakesNoRoom() {
        var revocations = revocations(maximum: 10)
        for time in 0..<10_000 as Range<Int64> { revocations.insert("a", now: time % 900) }
        #expect(revocations.count == 1 && revocations.rememberedEnds < 200)
    }

    @Test func stampsAreBoundedInNumber() {
        var revocations = revocations()
        revocations.insert(stamp: "h", ["1", "2", "2", "3", "4"])
        #expect(revocations.contains(stamps: ["h": ["3"]]))
        #expect(!revocations.contains(stamps: ["h": ["4"]]) && !revocations.contains(stamps: ["g": ["1"]]))
    }

    // MARK: Retries

    @Test func theWaitDoublesUpToTheLongestAndIsAnythingBelow() {
        var policy = TaskRetryPolicy()
        policy.base = .seconds(10)
        policy.longest = .seconds(100)
        var random = SplitMix64(seed: 7)
        for (retries, bound) in [(0, 10.0), (1, 20), (2, 40), (3, 80), (4, 100), (63, 100), (10_000, 100)] {
            let waits = (0..<300).map { _ in policy.delay(retries: retries, using: &random) }
            #expect(waits.allSatisfy { $0 >= .zero && $0 <= .seconds(bound) })
            // Full jitter: near nothing and near the bound alike.
            #expect(waits.contains { $0 < .seconds(bound / 10) } && waits.contains { $0 > .seconds(bound * 0.9) })
        }
    }

    @Test func retriesAreCounted() {
        var policy = TaskRetryPolicy()
        policy.maximumRetries = 2
        #expect(policy.allows(retries: 1) && !policy.allows(retries: 2))
        policy.maximumRetries = nil
        #expect(policy.allows(retries: .max))
    }
}
