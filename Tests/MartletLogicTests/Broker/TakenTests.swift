import Testing

@testable import MartletLogic

/// What a worker has taken is its own as long as one of its connections is open.
@Suite struct TakenTests {
    private func bench(_ change: (inout BrokerPolicy) -> Void = { _ in }) -> BrokerBench {
        let bench = BrokerBench(change)
        bench.bind("q")
        bench.say(1, "LPUSH q {t1,a,0} {t2,b,0} {t3,c,0}")
        return bench
    }

    @Test func itReturnsWhenItsWorkerIsGone() {
        let bench = bench()
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.take("t2", "{t2,b,0}", popping: 2, noting: 3)
        #expect(bench.leave(3) == [])
        #expect(bench.leave(2) == [.note(.returned(count: 2, database: 0))])
        #expect(
            bench.list("q") == ["{t3,c,0}", "{t2,b,0,again}", "{t1,a,0,again}"], "in their order, and marked")
        #expect(bench.answer(1, "HLEN unacked") == .integer(0))
        #expect(bench.answer(1, "ZCARD unacked_index") == .integer(0))
    }

    @Test func whatWasAcknowledgedStaysAway() {
        let bench = bench()
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.take("t2", "{t2,b,0}", popping: 2, noting: 3)
        bench.acknowledge("t1", by: 4)
        bench.leave(3)
        bench.leave(2)
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0,again}"])
        bench.leave(4)
        #expect(bench.list("q").count == 2)
    }

    @Test func workersAreApart() {
        let bench = bench()
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.take("t2", "{t2,b,0}", popping: 4, noting: 5)
        bench.leave(2)
        bench.leave(3)
        #expect(bench.list("q") == ["{t3,c,0}", "{t1,a,0,again}"])
        #expect(bench.answer(1, "HEXISTS unacked t2") == .integer(1))
    }

    @Test func aConnectionThatIsReplacedIsTheSameWorkers() {
        let bench = bench()
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.leave(2)
        bench.take("t2", "{t2,b,0}", popping: 4, noting: 3)
        bench.leave(3)
        #expect(bench.list("q") == ["{t3,c,0}"], "its new connection is open")
        bench.leave(4)
        #expect(bench.list("q").count == 3)
    }

    @Test func anotherWorkersRestoreDoesNotJoinThem() {
        let bench = bench()
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        // As kombu gives back what is overdue.
        for command in [
            "WATCH unacked", "HGET unacked t1", "MULTI", "ZREM unacked_index t1", "HDEL unacked t1",
            "RPUSH q {t1,a,0,again}", "EXEC",
        ] {
            bench.say(5, command)
        }
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0}", "{t1,a,0,again}"])
        bench.leave(2)
        bench.leave(3)
        #expect(bench.list("q").count == 3, "it was no longer theirs")
    }

    @Test func afterARestartWorkersHaveTimeToComeBack() {
        let bench = bench { $0.returnGraceMilliseconds = 30_000 }
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.now += 1000
        bench.take("t2", "{t2,b,0}", popping: 2, noting: 3)
        bench.restart()
        #expect(bench.list("q") == ["{t3,c,0}"])
        bench.pass(milliseconds: 29_999)
        bench.acknowledge("t1", by: 7)
        #expect(bench.list("q") == ["{t3,c,0}"])
        #expect(bench.machine.nextWake == bench.now + 1)
        #expect(bench.pass(milliseconds: 1) == [.note(.returned(count: 1, database: 0))])
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0,again}"])
        #expect(bench.machine.nextWake == nil)
    }

    @Test func anAcknowledgementAfterTheReturnTakesTheMessageBack() {
        let bench = bench()
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.leave(2)
        bench.leave(3)
        bench.acknowledge("t1", by: 4)
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0}"], "the worker lived, and had done it")
    }

    @Test func aHashThatIsDeletedHoldsNothing() {
        let bench = bench()
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.say(1, "DEL unacked")
        bench.leave(2)
        #expect(bench.leave(3) == [])
    }

    @Test func aListOfAnotherTypeMeanwhileLosesNothing() {
        let bench = bench()
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.say(1, "SET q text")
        bench.leave(2)
        bench.leave(3)
        #expect(bench.list("q.dead") == ["{t1,a,0,again}"])
    }

    @Test func afterARestartAListIsKnownThatTheMessageDoesNotTell() {
        let bench = BrokerBench()
        bench.bind("q")
        let urgent: Bytes = "q\u{6}\u{16}5"
        bench.say(1, ["LPUSH", urgent, "{t1,a,0}", "{t2,b,0}"])
        for tag in ["t1", "t2"] {
            bench.say(2, ["BRPOP", urgent, "1"])
            bench.note(tag, "{\(tag),a,0}", by: 3)
        }
        bench.acknowledge("t2", by: 3)
        bench.restart()
        bench.pass(milliseconds: 30_000)
        #expect(bench.list(urgent) == ["{t1,a,0,again}"])
        #expect(bench.answer(1, "HLEN unacked") == .integer(0))
        #expect(bench.machine.keyspace.run(.hlen, ["lists"], in: 16, now: bench.now) == .integer(0))
    }

    @Test func aMessageThatStandsInTheQueueTwiceDoesNotMakeOneOfTwoWorkers() {
        let bench = bench()
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.take("t2", "{t2,b,0}", popping: 4, noting: 5)
        bench.say(1, "LPUSH q {t3,c,0}")
        bench.say(2, "BRPOP q 1")
        bench.say(4, "BRPOP q 1")
        bench.note("t3", "{t3,c,0}", by: 3)
        bench.leave(2)
        bench.leave(3)
        #expect(bench.list("q").contains("{t1,a,0,again}"), "the other worker's life is not its own")
        #expect(bench.answer(1, "HEXISTS unacked t2") == .integer(1))
    }

    @Test func muchOfItReturnsPieceByPiece() {
        let bench = bench { $0.bytesAtOnce = 1 }
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.take("t2", "{t2,b,0}", popping: 2, noting: 3)
        bench.take("t3", "{t3,c,0}", popping: 2, noting: 3)
        bench.leave(2)
        bench.leave(3)
        #expect(bench.list("q") == ["{t3,c,0,again}"])
        #expect(bench.machine.nextWake == 0, "at once")
        bench.acknowledge("t2", by: 4)
        bench.pass(milliseconds: 1)
        #expect(bench.list("q") == ["{t3,c,0,again}", "{t1,a,0,again}"], "what was acknowledged meanwhile stays away")
        #expect(bench.machine.nextWake == nil)
    }

    @Test func whatIsStillToReturnDoesSoAfterARestart() {
        let bench = bench { $0.bytesAtOnce = 1 }
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.take("t2", "{t2,b,0}", popping: 2, noting: 3)
        bench.leave(2)
        bench.leave(3)
        bench.restart()
        bench.pass(milliseconds: 30_000)
        bench.pass(milliseconds: 1)
        #expect(bench.list("q").count == 3)
    }

    @Test func givingBackWhatWentBackIsNoAcknowledgement() {
        let bench = bench()
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.leave(2)
        bench.leave(3)
        // As kombu does after its connection was cut, with what its worker had not begun.
        for command in ["WATCH unacked", "HGET unacked t1", "MULTI", "HDEL unacked t1", "EXEC"] {
            bench.say(4, command)
        }
        #expect(bench.list("q") == ["{t3,c,0}", "{t2,b,0}", "{t1,a,0,again}"])
    }
}
