import Testing

@testable import MartletLogic

@Suite struct BlockingPopTests {
    @Test func aPopOfSomethingAnswersAtOnce() {
        let bench = BrokerBench()
        bench.say(1, "RPUSH a x y")
        #expect(bench.answer(1, "BRPOP none a 1") == .popped("a", "y"))
        #expect(bench.answer(1, "BLPOP none a 1") == .popped("a", "x"))
        #expect(bench.list("a") == [])
    }

    @Test func whoWaitsIsServedWhenSomethingComes() {
        let bench = BrokerBench()
        #expect(bench.answer(1, "BRPOP a b 5") == nil)
        #expect(bench.machine.isBlocked(ClientID(1)))
        let effects = bench.say(2, "LPUSH b x")
        #expect(
            effects == [
                .reply(ClientID(2), .integer(1), .two), .tell(ClientID(1), .popped("b", "x"), .two),
                .resume(ClientID(1)),
            ])
        #expect(!bench.machine.isBlocked(ClientID(1)))
        #expect(bench.list("b") == [])
    }

    @Test func whoCameFirstIsServedFirst() {
        let bench = BrokerBench()
        for id in [3, 1, 2] as [Int64] { bench.say(id, "BRPOP a 0") }
        let effects = bench.say(9, "RPUSH a x y")
        #expect(BrokerBench.reply(to: 3, in: effects) == .popped("a", "y"))
        #expect(BrokerBench.reply(to: 1, in: effects) == .popped("a", "x"))
        #expect(BrokerBench.reply(to: 2, in: effects) == nil)
    }

    @Test func aWaitEndsWithNothing() {
        let bench = BrokerBench()
        bench.say(1, "BRPOP a 0.5")
        bench.say(2, "BLMOVE a b LEFT RIGHT 0.5")
        bench.say(3, "BZPOPMIN z 0")
        #expect(bench.machine.nextWake == bench.now + 500)
        #expect(bench.pass(milliseconds: 499) == [])
        let effects = bench.pass(milliseconds: 1)
        #expect(BrokerBench.reply(to: 1, in: effects) == .nullArray)
        #expect(BrokerBench.reply(to: 2, in: effects) == .null)
        #expect(BrokerBench.reply(to: 3, in: effects) == nil)
        #expect(bench.machine.nextWake == nil)
        #expect(bench.list("a") == [])
        bench.say(9, "LPUSH a x")
        #expect(bench.list("a") == ["x"], "nobody waits any more")
    }

    @Test func whoLeavesTakesNothingWithIt() {
        let bench = BrokerBench()
        bench.say(1, "BRPOP a 0")
        bench.say(2, "BRPOP a 0")
        bench.leave(1)
        #expect(BrokerBench.reply(to: 2, in: bench.say(9, "LPUSH a x")) == .popped("a", "x"))
        bench.leave(2)
        bench.say(9, "LPUSH a y")
        #expect(bench.list("a") == ["y"])
    }

    @Test func aMoveServesWhoWaitsForItsDestination() {
        let bench = BrokerBench()
        bench.say(1, "BRPOPLPUSH a b 0")
        bench.say(2, "BLPOP b 0")
        let effects = bench.say(9, "LPUSH a x")
        #expect(BrokerBench.reply(to: 1, in: effects) == .bulk("x"))
        #expect(BrokerBench.reply(to: 2, in: effects) == .popped("b", "x"))
    }

    @Test func sortedSetsAreWaitedForToo() {
        let bench = BrokerBench()
        bench.say(1, "BZPOPMIN z 0")
        bench.say(2, "BZPOPMAX z 0")
        let effects = bench.say(9, "ZADD z 2 b 1 a 3 c")
        #expect(BrokerBench.reply(to: 1, in: effects) == .array([.bulk("z"), .bulk("a"), .double(1)]))
        #expect(BrokerBench.reply(to: 2, in: effects) == .array([.bulk("z"), .bulk("c"), .double(3)]))
    }

    @Test func whatIsOfAnotherTypeIsLeftToThoseWhoWantIt() {
        let bench = BrokerBench()
        bench.say(1, "BRPOP k 0")
        bench.say(2, "BZPOPMIN k 0")
        let effects = bench.say(9, "ZADD k 1 a")
        #expect(BrokerBench.reply(to: 1, in: effects) == nil)
        #expect(BrokerBench.reply(to: 2, in: effects) == .array([.bulk("k"), .bulk("a"), .double(1)]))
    }

    @Test func aDestinationOfAnotherTypeIsToldToWhoWaited() {
        let bench = BrokerBench()
        bench.say(1, "SET b text")
        bench.say(1, "BLMOVE a b LEFT LEFT 0")
        let effects = bench.say(9, "LPUSH a x")
        #expect(BrokerBench.reply(to: 1, in: effects)?.errorText.hasPrefix("WRONGTYPE") == true)
        #expect(bench.list("a") == ["x"])
    }

    @Test func inATransactionNobodyWaits() {
        let bench = BrokerBench()
        bench.say(1, "MULTI")
        bench.say(1, "BRPOP a 0")
        bench.say(1, "BLMOVE a b LEFT LEFT 0")
        #expect(bench.answer(1, "EXEC") == .array([.nullArray, .null]))
        #expect(!bench.machine.isBlocked(ClientID(1)))
    }

    @Test func aTransactionIsWholeBeforeItServes() {
        let bench = BrokerBench()
        bench.say(1, "BRPOP a 0")
        bench.say(9, "MULTI")
        bench.say(9, "LPUSH a x")
        bench.say(9, "DEL a")
        bench.say(9, "LPUSH a y")
        let effects = bench.say(9, "EXEC")
        #expect(BrokerBench.reply(to: 1, in: effects) == .popped("a", "y"))
    }

    @Test(arguments: [
        ("BRPOP a -1", "ERR timeout is negative"), ("BRPOP a x", "ERR timeout is not a float or out of range"),
        ("BRPOP a inf", "ERR timeout is not a float or out of range"), ("BLMOVE a b UP LEFT 1", "ERR syntax error"),
        ("BRPOP a", "ERR wrong number of arguments for 'brpop' command"),
    ])
    func whatMakesNoSenseIsRefused(_ words: String, _ refusal: String) {
        #expect(BrokerBench().answer(1, words)?.errorText == refusal)
    }

    @Test func databasesAreApart() {
        let bench = BrokerBench()
        bench.say(1, "SELECT 3")
        bench.say(1, "BRPOP a 0")
        bench.say(9, "LPUSH a x")
        #expect(bench.machine.isBlocked(ClientID(1)))
        bench.say(8, "SELECT 3")
        #expect(BrokerBench.reply(to: 1, in: bench.say(8, "LPUSH a y")) == .popped("a", "y"))
    }

    @Test func popsThatWereServedLongBeforeTheirEndAreForgotten() {
        let bench = BrokerBench()
        bench.say(3, "BRPOP other 1")
        for _ in 0..<3000 {
            bench.say(2, "BRPOP a 86400")
            bench.say(1, "LPUSH a x")
        }
        #expect(bench.machine.lines.deadlineCount < 2000)
        #expect(BrokerBench.reply(to: 3, in: bench.pass(milliseconds: 1000)) == .nullArray, "and the others are not")
    }
}
