import MartletLogic
import Testing

@Suite struct UniqueKeysTests {
    @Test(arguments: UniqueRule.Until.allCases) func aKeyIsFreeAgainWhenItsRuleSaysSo(until: UniqueRule.Until) {
        var keys = UniqueKeys()
        let rule = UniqueRule(until: until, milliseconds: 1000)
        func claim(_ now: Int64, _ keys: inout UniqueKeys) -> Bool {
            keys.claim("k", by: "probe\(now)", rule, now: now) == .fresh
        }
        #expect(keys.claim("k", by: "a", rule, now: 0) == .fresh)
        #expect(keys.claim("k", by: "b", rule, now: 1) == .duplicate(of: "a"))
        #expect(keys.claim("other", by: "c", rule, now: 1) == .fresh)
        var started = keys
        started.started("a")
        #expect(claim(2, &started) == (until == .started))
        var finished = keys
        finished.finished("a")
        #expect(claim(2, &finished) == (until != .ttl))
        // The time is over in any case.
        #expect(!claim(999, &keys))
        #expect(claim(1000, &keys))
    }

    @Test func oneThatIsTriedAgainIsNoDuplicateOfItself() {
        var keys = UniqueKeys()
        let rule = UniqueRule(until: .finished)
        #expect(keys.claim("k", by: "a", rule, now: 0) == .fresh)
        #expect(keys.claim("k", by: "a", rule, now: 1) == .fresh)
        #expect(keys.claim("k2", by: "a", rule, now: 2) == .fresh)
        // It has one key: the other is free.
        #expect(keys.claim("k", by: "b", rule, now: 3) == .fresh)
        #expect(keys.count == 2)
    }

    @Test func anEndThatComesTooLateFreesNobodyElsesKey() {
        var keys = UniqueKeys()
        let rule = UniqueRule(until: .finished, milliseconds: 10)
        _ = keys.claim("k", by: "a", rule, now: 0)
        #expect(keys.claim("k", by: "b", rule, now: 10) == .fresh)
        keys.finished("a")
        #expect(keys.claim("k", by: "c", rule, now: 11) == .duplicate(of: "b"))
    }

    @Test func aboveTheBoundTheClaimsThatEndFirstAreGivenUp() {
        var keys = UniqueKeys(maximum: 2)
        for (index, key) in ["a", "b", "c"].enumerated() {
            let rule = UniqueRule(until: .ttl, milliseconds: Int64(100 - index))
            #expect(keys.claim(key, by: key, rule, now: 0) == .fresh)
        }
        #expect(keys.count == 2)
        #expect(keys.claim("b", by: "x", UniqueRule(until: .ttl), now: 0) == .fresh)
        #expect(keys.claim("a", by: "x", UniqueRule(until: .ttl), now: 0) == .duplicate(of: "a"))
    }
}
