import Testing

@testable import MartletLogic

/// Messages with a time are kept at the broker, not by workers.
@Suite struct DelayedMessageTests {
    private func bench() -> BrokerBench {
        let bench = BrokerBench(now: 1000)
        bench.bind("q")
        return bench
    }

    @Test func theyAreServedWhenTheyAreDueAndOnce() {
        let bench = bench()
        #expect(bench.answer(1, "LPUSH q {t1,a,5000} {t2,b,0}") == .integer(2))
        #expect(bench.list("q") == ["{t2,b,0}"])
        bench.say(2, "BRPOP q 0")
        bench.say(2, "BRPOP q 0")
        #expect(bench.machine.nextWake == 5000)
        #expect(bench.pass(milliseconds: 3999) == [])
        #expect(BrokerBench.reply(to: 2, in: bench.pass(milliseconds: 1)) == .popped("q", "{t1,a,5000}"))
        #expect(bench.machine.nextWake == nil)
        bench.restart()
        #expect(bench.list("q") == ["{t1,a,5000}"], "it was in limbo, and is no longer kept back")
    }

    @Test func theyComeInTheOrderOfTheirTimes() {
        let bench = bench()
        bench.say(1, "LPUSH q {t1,a,9000}")
        bench.say(1, "LPUSH q {t2,b,5000}")
        bench.say(1, "LPUSH q {t3,c,7000}")
        #expect(bench.machine.nextWake == 5000)
        bench.pass(milliseconds: 6500)
        #expect(bench.list("q") == ["{t3,c,7000}", "{t2,b,5000}"])
        #expect(bench.machine.nextWake == 9000)
    }

    @Test func theySurviveARestart() {
        let bench = bench()
        bench.say(1, "LPUSH q {t1,a,5000}")
        bench.restart()
        #expect(bench.machine.nextWake == 5000)
        bench.now = 10_000
        bench.restart()
        bench.pass(milliseconds: 0)
        #expect(bench.list("q") == ["{t1,a,5000}"])
    }

    @Test func manyAreServedPieceByPiece() {
        let bench = bench()
        for number in 0..<1200 { bench.say(1, "LPUSH q {t\(number),a,5000}") }
        bench.pass(milliseconds: 4000)
        #expect(bench.list("q").count == 512)
        #expect(bench.machine.nextWake == 5000, "at once again")
        bench.pass(milliseconds: 0)
        bench.pass(milliseconds: 0)
        #expect(bench.list("q").count == 1200)
        #expect(bench.machine.keyspace.count(in: 16) == 0)
    }

    @Test func whoseTimeHasComeIsNotKeptBack() {
        let bench = bench()
        #expect(bench.answer(1, "LPUSH q {t1,a,1000}") == .integer(1))
        #expect(bench.list("q") == ["{t1,a,1000}"])
    }

    @Test func theyGoWithTheirQueue() {
        let bench = bench()
        bench.say(1, "LPUSH q {t1,a,5000}")
        bench.say(1, "DEL q")
        bench.pass(milliseconds: 10_000)
        #expect(bench.list("q") == [])
        bench.say(1, "LPUSH q {t1,a,50000}")
        bench.say(1, "FLUSHALL")
        bench.pass(milliseconds: 100_000)
        #expect(bench.list("q") == [])
    }

    @Test func aQueueThatRunsEmptyKeepsThem() {
        let bench = bench()
        bench.say(1, "LPUSH q {t1,a,5000} {t2,b,0}")
        bench.say(2, "BRPOP q 1")
        bench.pass(milliseconds: 4000)
        #expect(bench.list("q") == ["{t1,a,5000}"])
    }

    @Test func aWorkersRetryIsKeptBackToo() {
        let bench = bench()
        bench.say(3, "MULTI")
        bench.say(3, "RPUSH q {t1,a,5000}")
        #expect(bench.answer(3, "EXEC") == .array([.integer(1)]))
        #expect(bench.list("q") == [])
    }

    @Test func aKeyThatIsNoListRefusesThem() {
        let bench = bench()
        bench.say(1, "SET s text")
        #expect(bench.answer(1, "LPUSH s {t1,a,5000}")?.errorText.hasPrefix("WRONGTYPE") == true)
        #expect(bench.machine.nextWake == nil)
    }

    @Test func aFlushTakesThemEvenWhenThereIsNothingElse() {
        let bench = BrokerBench(now: 1000)
        bench.say(1, "LPUSH q {t1,a,5000}")
        bench.say(1, "FLUSHALL")
        bench.pass(milliseconds: 5000)
        #expect(bench.list("q") == [])
    }

    @Test func longOnesAreNotServedAllAtOnce() {
        var keyspace = Keyspace()
        var policy = BrokerPolicy()
        policy.bytesAtOnce = 10
        var queues = QueueKeeper(reader: .test, policy: policy)
        for tag in ["t1", "t2", "t3"] {
            _ = queues.hold(Bytes("{\(tag),a,5}"), until: 5, for: "q", in: 0, &keyspace, now: 1)
        }
        queues.serveDue(&keyspace, now: 5)
        #expect(keyspace.run(.llen, ["q"], in: 0, now: 5) == .integer(2))
        #expect(queues.due.earliest == 5, "it goes on at once")
        queues.serveDue(&keyspace, now: 5)
        #expect(keyspace.run(.llen, ["q"], in: 0, now: 5) == .integer(3))
    }
}
