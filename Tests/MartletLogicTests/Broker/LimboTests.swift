import Testing

@testable import MartletLogic

/// A message that was popped and not yet written down is nowhere but in the worker's memory.
@Suite struct LimboTests {
    private func bench() -> BrokerBench {
        let bench = BrokerBench()
        bench.bind("q")
        bench.say(1, "LPUSH q {t1,a,0} {t2,b,0} {t3,c,0}")
        return bench
    }

    @Test func itReturnsWhenItsConnectionEnds() {
        let bench = bench()
        #expect(bench.answer(2, "BRPOP q 1") == .popped("q", "{t1,a,0}"))
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0}"])
        #expect(bench.leave(2) == [.note(.returned(count: 1, database: 0))])
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0}", "{t1,a,0}"], "served first again")
    }

    @Test func itReturnsToWhoWaitsForIt() {
        let bench = BrokerBench()
        bench.bind("q")
        bench.say(2, "BRPOP q 0")
        bench.say(3, "BRPOP q 0")
        bench.say(1, "LPUSH q {t1,a,0}")
        #expect(BrokerBench.reply(to: 3, in: bench.leave(2)) == .popped("q", "{t1,a,0}"))
    }

    @Test func itReturnsAfterARestart() {
        let bench = bench()
        bench.say(2, "BRPOP q 1")
        bench.restart()
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0}", "{t1,a,0}"])
        #expect(bench.machine.keyspace.count(in: 16) == 0, "no note of it is left")
    }

    @Test func whoAsksForTheNextOneHasDealtWithTheLast() {
        let bench = bench()
        bench.say(2, "BRPOP q 1")
        #expect(bench.answer(2, "BRPOP q 1") == .popped("q", "{t2,b,0}"))
        bench.leave(2)
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0}"])
    }

    @Test func itsPriorityIsKept() {
        let bench = BrokerBench()
        bench.bind("q")
        let urgent: Bytes = "q\u{6}\u{16}3"
        bench.say(1, ["LPUSH", urgent, "{t1,a,0}"])
        #expect(bench.answer(2, ["BRPOP", "q", urgent, "1"]) == .popped(urgent, "{t1,a,0}"))
        bench.leave(2)
        #expect(bench.list(urgent) == ["{t1,a,0}"])
    }

    @Test func whatWasWrittenDownIsInLimboNoMore() {
        let bench = bench()
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.leave(2)
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0}"], "its worker lives: the other connection is open")
        #expect(bench.answer(1, "HEXISTS unacked t1") == .integer(1))
    }

    @Test(arguments: [
        ["LPOP q"], ["RPOP other"], ["LPUSH replies {t9,,0}", "BRPOP replies 1"],
        ["LPUSH replies text", "BRPOP replies 1"],
    ])
    func whatIsNoTaskOfAQueueIsGoneWhenItWasPopped(_ commands: [String]) {
        let bench = bench()
        bench.say(1, "RPUSH other {t8,x,0}")
        for command in commands { bench.say(2, command) }
        #expect(bench.leave(2) == [])
    }

    @Test func whatReturnedAndIsWrittenDownAllTheSameIsTakenBack() {
        let bench = bench()
        bench.say(2, "BRPOP q 1")
        bench.restart()
        bench.note("t1", "{t1,a,0}", by: 3)
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0}"], "its worker has it")
        bench.acknowledge("t1", by: 3)
        bench.leave(3)
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0}"])
    }

    @Test func whatSomebodyElseHasByThenIsLeftToBoth() {
        let bench = bench()
        bench.say(2, "BRPOP q 1")
        bench.leave(2)
        bench.say(4, "BRPOP q 1")
        bench.note("t1", "{t1,a,0}", by: 3)
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0}"])
    }

    @Test func aFlushedDatabaseHasNothingInLimbo() {
        let bench = bench()
        bench.say(2, "BRPOP q 1")
        bench.say(1, "FLUSHDB")
        #expect(bench.leave(2) == [])
        #expect(bench.machine.keyspace.count(in: 16) == 0)
    }

    @Test func aFlushedDatabaseKeepsItsConsumers() {
        let bench = bench()
        bench.say(1, "FLUSHDB")
        // A process binds a queue once, and does not learn that the database was flushed.
        bench.say(1, "LPUSH q {t1,a,0}")
        bench.say(2, "BRPOP q 1")
        bench.leave(2)
        #expect(bench.list("q") == ["{t1,a,0}"])
    }

    @Test func queuesWithASeparatorOfTheUsersOwnAreQueues() {
        let bench = BrokerBench()
        bench.say(1, "SADD _kombu.binding.topic a.#:pattern:jobs")
        bench.say(1, "SADD _kombu.binding.q q::q")
        bench.say(1, "LPUSH q:5 {t1,a,0}")
        bench.say(1, "LPUSH jobs {t2,b,0}")
        #expect(bench.answer(2, "BRPOP q q:5 1") == .popped("q:5", "{t1,a,0}"))
        #expect(bench.answer(3, "BRPOP jobs 1") == .popped("jobs", "{t2,b,0}"))
        bench.leave(2)
        bench.leave(3)
        #expect(bench.list("q:5") == ["{t1,a,0}"])
        #expect(bench.list("jobs") == ["{t2,b,0}"], "bound before the separator was known")
    }
}
