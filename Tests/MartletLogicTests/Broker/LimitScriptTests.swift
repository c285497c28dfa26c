import Testing

@testable import MartletLogic

/// Scripts that bound what runs in all workers together, natively.
@Suite struct LimitScriptTests {
    private func mayBegin(_ bench: BrokerBench, _ distance: Int, _ burst: Int, _ wanted: Int, by id: Int64) -> Answer {
        bench.script(
            .rate, lists: ["martlet.rate:k"], [Bytes("\(distance)"), Bytes("\(burst)"), Bytes("\(wanted)")], by: id)
    }

    @Test func workersTogetherKeepOneRate() {
        let bench = BrokerBench()
        #expect(mayBegin(bench, 100_000, 1, 5, by: 1) == .array([.integer(1), .integer(100_000)]))
        #expect(mayBegin(bench, 100_000, 1, 5, by: 2) == .array([.integer(0), .integer(100_000)]))
        bench.now += 40
        #expect(mayBegin(bench, 100_000, 1, 5, by: 2) == .array([.integer(0), .integer(60_000)]))
        bench.now += 60
        #expect(mayBegin(bench, 100_000, 1, 5, by: 2) == .array([.integer(1), .integer(100_000)]))
    }

    @Test func aBurstGoesAtOnce() {
        let bench = BrokerBench()
        #expect(mayBegin(bench, 10_000, 3, 2, by: 1) == .array([.integer(2), .integer(0)]))
        #expect(mayBegin(bench, 10_000, 3, 2, by: 2) == .array([.integer(1), .integer(10_000)]))
    }

    @Test func aRateThatWasSlowerBeforeDoesNotLast() {
        let bench = BrokerBench()
        #expect(mayBegin(bench, 3_600_000_000, 1, 1, by: 1) == .array([.integer(1), .integer(3_600_000_000)]))
        #expect(mayBegin(bench, 10_000, 1, 1, by: 1) == .array([.integer(0), .integer(10_000)]))
    }

    @Test func aRateThatNobodyAsksForIsForgotten() {
        let bench = BrokerBench()
        _ = mayBegin(bench, 10_000, 1, 1, by: 1)
        #expect(bench.answer(1, "EXISTS martlet.rate:k") == .integer(1))
        bench.now += 1100
        #expect(bench.answer(1, "EXISTS martlet.rate:k") == .integer(0))
    }

    @Test func aKeyOfAnotherTypeIsTold() {
        let bench = BrokerBench()
        bench.say(1, "LPUSH martlet.rate:k x")
        #expect(mayBegin(bench, 10_000, 1, 1, by: 1).errorText.hasPrefix("WRONGTYPE"))
    }
}

/// Keys of which there is one task at a time.
@Suite struct UniqueScriptTests {
    private func claim(_ bench: BrokerBench, _ id: Bytes, by client: Int64) -> Answer {
        bench.script(.claim, lists: ["martlet-unique-k"], [id, "60"], by: client)
    }

    @Test func theFirstHasTheKeyAndMayClaimItAgain() {
        let bench = BrokerBench()
        #expect(claim(bench, "t1", by: 1) == .array([.bulk("t1")]))
        #expect(claim(bench, "t2", by: 2) == .array([.bulk("t1")]))
        #expect(claim(bench, "t1", by: 2) == .array([.bulk("t1")]))
        bench.now += 61_000
        #expect(claim(bench, "t2", by: 2) == .array([.bulk("t2")]))
    }

    @Test func nobodyFreesTheKeyOfAnother() {
        let bench = BrokerBench()
        _ = claim(bench, "t1", by: 1)
        #expect(bench.script(.free, lists: ["martlet-unique-k"], ["t2"], by: 1) == .integer(0))
        #expect(bench.script(.free, lists: ["martlet-unique-k"], ["t1"], by: 1) == .integer(1))
        #expect(claim(bench, "t2", by: 2) == .array([.bulk("t2")]))
    }

    @Test func theStepThatEndsAMessageFreesItsKey() {
        let bench = BrokerBench()
        bench.bind("q")
        bench.say(1, "LPUSH q {t1,a,0} {t2,b,0}")
        let lease = bench.take(2, by: 2)?.lease ?? 0
        _ = claim(bench, "a", by: 2)
        let key: Bytes = "martlet-unique-k"
        #expect(bench.finish("t2", lease, freeing: (key, "b"), by: 2) == .array([.integer(1)]))
        #expect(bench.answer(1, "GET martlet-unique-k") == .bulk("a"), "it was another's")
        #expect(bench.finish("t1", lease, freeing: (key, "a"), by: 2) == .array([.integer(1)]))
        #expect(bench.answer(1, "EXISTS martlet-unique-k") == .integer(0))
    }

    @Test func aRuleIsReadFromWhateverSomebodyWrites() {
        #expect(UniqueRule(until: nil, seconds: nil) == UniqueRule(until: .finished, milliseconds: 86_400_000))
        #expect(UniqueRule(until: "ttl", seconds: 2) == UniqueRule(until: .ttl, milliseconds: 2000))
        #expect(UniqueRule(until: "x", seconds: -1) == UniqueRule(until: .finished))
    }
}
