import Testing

@testable import MartletLogic

/// What kills each worker that gets it must not kill all.
@Suite struct DeadLetterTests {
    private func bench(_ deliveries: Int) -> BrokerBench {
        let bench = BrokerBench {
            $0.maximumDeliveries = deliveries
            $0.failuresBeforeDelay = 100
        }
        bench.bind("q")
        bench.say(1, "LPUSH q {t1,a,0}")
        return bench
    }

    @Test func afterSoManyDeathsItIsPutAside() {
        let bench = bench(3)
        for round in 0..<3 as Range<Int64> {
            #expect(bench.list("q").count == 1)
            bench.take("t1", "{t1,a,0}", popping: 10 + round, noting: 20 + round)
            bench.leave(10 + round)
            let effects = bench.leave(20 + round)
            #expect(effects.contains(.note(.deadLettered(queue: "q", task: "a", deliveries: 3))) == (round == 2))
        }
        #expect(bench.list("q") == [])
        #expect(bench.list("q.dead") == ["{t1,a,0,again}"])
        #expect(bench.machine.keyspace.count(in: 16) == 1, "nothing is noted but where consumers write down")
    }

    @Test func whatFailsAgainAndAgainWaitsLongerEachTime() {
        let bench = BrokerBench()
        bench.bind("q")
        bench.say(1, "LPUSH q {t1,a,0}")
        var waits: [Int64] = []
        for round in 0..<9 as Range<Int64> {
            if let next = bench.machine.nextWake {
                waits.append(next - bench.now)
                #expect(bench.list("q") == [])
                bench.pass(milliseconds: next - bench.now)
            }
            #expect(bench.list("q").count == 1)
            bench.take("t1", "{t1,a,0,again}", popping: 10 + round, noting: 20 + round)
            bench.leave(10 + round)
            bench.leave(20 + round)
        }
        #expect(waits.count == 6)
        for (index, wait) in waits.enumerated() {
            let delay = min(1000 << index, 60_000)
            #expect(delay / 2...delay * 3 / 2 ~= Int(wait))
        }
    }

    @Test func anAcknowledgementFindsWhatWaits() {
        let bench = BrokerBench { $0.failuresBeforeDelay = 1 }
        bench.bind("q")
        bench.say(1, "LPUSH q {t1,a,0}")
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.leave(2)
        bench.leave(3)
        bench.acknowledge("t1", by: 4)
        bench.pass(milliseconds: 100_000)
        #expect(bench.list("q") == [])
        #expect(bench.machine.queues.rooms[0].failures == [:])
    }

    @Test func theCountSurvivesARestart() {
        let bench = bench(2)
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.leave(2)
        bench.leave(3)
        bench.restart()
        bench.take("t1", "{t1,a,0}", popping: 4, noting: 5)
        bench.leave(4)
        bench.leave(5)
        #expect(bench.list("q.dead").count == 1)
    }

    @Test func restartsOfTheBrokerAreNotItsFault() {
        let bench = bench(2)
        for _ in 0..<5 {
            bench.say(2, "BRPOP q 1")
            bench.restart()
        }
        #expect(bench.list("q") == ["{t1,a,0}"])
    }

    @Test func whatIsAcknowledgedInTheEndIsForgotten() {
        let bench = bench(3)
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.leave(2)
        bench.leave(3)
        bench.take("t1", "{t1,a,0,again}", popping: 4, noting: 5)
        #expect(bench.machine.queues.rooms[0].failures == ["t1": 1])
        bench.acknowledge("t1", by: 5)
        #expect(bench.machine.queues.rooms[0].failures == [:])
        #expect(bench.answer(1, "HLEN unacked") == .integer(0))
    }

    @Test func whatWorkersRejectAgainAndAgainIsPutAside() {
        let bench = bench(2)
        for round in 0..<2 as Range<Int64> {
            bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
            bench.say(3, "WATCH unacked")
            bench.say(3, "MULTI")
            bench.say(3, "ZREM unacked_index t1")
            bench.say(3, "HDEL unacked t1")
            bench.say(3, "LPUSH q {t1,a,0,again}")
            #expect(bench.answer(3, "EXEC")?.isError == false)
            #expect(bench.list("q").count == (round == 0 ? 1 : 0))
        }
        #expect(bench.list("q.dead") == ["{t1,a,0,again}"])
    }

    @Test func whatAWorkerGivesBackAtItsEndIsNotCounted() {
        let bench = bench(2)
        for _ in 0..<5 {
            bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
            bench.say(3, "MULTI")
            bench.say(3, "ZREM unacked_index t1")
            bench.say(3, "HDEL unacked t1")
            bench.say(3, "RPUSH q {t1,a,0,again}")
            bench.say(3, "EXEC")
        }
        #expect(bench.list("q") == ["{t1,a,0,again}"])
    }

    @Test func aDeadLetterThatIsMovedBackBeginsAnew() {
        let bench = bench(1)
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        bench.leave(2)
        bench.leave(3)
        bench.say(4, "BRPOP q 0")
        let effects = bench.say(1, "LMOVE q.dead q RIGHT LEFT")
        #expect(BrokerBench.reply(to: 4, in: effects) == .popped("q", "{t1,a,0,again}"))
    }
}
