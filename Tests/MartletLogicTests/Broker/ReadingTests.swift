import Testing

@testable import MartletLogic

/// The numbers of queues, as operators and autoscalers read them.
@Suite struct ReadingTests {
    private func bench(_ change: (inout BrokerPolicy) -> Void = { _ in }) -> BrokerBench {
        let bench = BrokerBench(now: 1_000_000, change)
        bench.bind("q")
        return bench
    }

    private func queue(_ bench: BrokerBench, _ name: String = "q") -> BrokerReading.Queue? {
        bench.machine.reading(now: bench.now).queues.first { $0.name == name }
    }

    @Test func messagesAreCountedWhereTheyAre() {
        let bench = bench { $0.maximumDeliveries = 1 }
        bench.say(1, "LPUSH q {t1,a,0} {t2,b,0} {t3,c,2000000}")
        bench.say(1, ["LPUSH", "q\u{6}\u{16}3", "{t4,d,0}"])
        #expect(queue(bench).map { [$0.ready, $0.delayed, $0.taken, $0.dead] } == [3, 1, 0, 0])
        bench.say(2, "BRPOP q 1")
        #expect(queue(bench).map { [$0.ready, $0.taken] } == [2, 1], "on its way to a worker")
        bench.note("t1", "{t1,a,0}", by: 3)
        #expect(queue(bench).map { [$0.ready, $0.taken] } == [2, 1])
        bench.leave(2)
        bench.leave(3)
        #expect(queue(bench).map { [$0.ready, $0.taken, $0.dead] } == [2, 0, 1])
        let counters = bench.machine.reading(now: bench.now).counters
        #expect(counters.deadLetters == 1 && counters.returned == 1)
    }

    @Test func theOldestIsAsOldAsItIs() {
        let bench = bench()
        bench.say(1, "LPUSH q {t1,a,0}")
        bench.now += 3000
        bench.say(1, "LPUSH q {t2,b,0}")
        bench.now += 500
        #expect(queue(bench)?.oldestMilliseconds == 3500)
        bench.take("t1", "{t1,a,0}", popping: 2, noting: 3)
        #expect(queue(bench)?.oldestMilliseconds == 500)
        bench.take("t2", "{t2,b,0}", popping: 2, noting: 3)
        #expect(queue(bench)?.oldestMilliseconds == 0)
        #expect(queue(bench)?.delivered == 2 && queue(bench)?.published == 2)
        #expect(queue(bench)?.waitedMilliseconds == 4000)
    }

    @Test func whatWasThereAtTheStartIsAsOldAsThat() {
        let bench = bench()
        bench.say(1, "LPUSH q {t1,a,0}")
        bench.now += 60_000
        bench.restart()
        bench.now += 2000
        #expect(queue(bench)?.oldestMilliseconds == 2000)
    }

    @Test func aPurgedQueueHasNoAge() {
        let bench = bench()
        bench.say(1, "LPUSH q {t1,a,0}")
        bench.now += 1000
        bench.say(1, "DEL q")
        #expect(queue(bench)?.oldestMilliseconds == 0)
        bench.say(1, "LPUSH q {t2,a,0}")
        bench.now += 100
        #expect(queue(bench)?.oldestMilliseconds == 100)
    }

    @Test func queuesOfSingleProcessesAreNotShown() {
        let bench = bench()
        bench.bind("1234.reply.celery.pidbox")
        bench.bind("celeryev.5678")
        #expect(bench.machine.reading(now: bench.now).queues.map(\.name) == ["q"])
    }

    @Test func clientsAndMemoryAreCounted() {
        let bench = bench()
        bench.say(2, "BRPOP q 0")
        let reading = bench.machine.reading(now: bench.now)
        #expect(reading.clients == 2 && reading.blocked == 1 && reading.counters.connections == 2)
        #expect(reading.memoryBytes == bench.machine.keyspace.bytes)
        #expect(reading.maximumBytes == bench.machine.policy.maximumBytes)
    }

    @Test func infoTellsOfQueuesInLinesThatClientsTakeApart() {
        let bench = bench()
        bench.bind("a,b=c")
        bench.say(1, "LPUSH q {t1,a,0}")
        let text = bench.answer(1, "INFO queues")?.asBytes?.text ?? ""
        #expect(text.contains("queue_1:name=q,db=0,ready=1,delayed=0,taken=0,dead=0,oldest_ms=0,"))
        #expect(text.contains("queue_0:name=a?b?c,db=0,"))
    }

    @Test func whatWaitsForItsTimeIsToldToWhoCopies() {
        let bench = bench()
        #expect(bench.answer(1, "MARTLET HELD") == .array([]))
        bench.say(1, "LPUSH q {t1,a,3000000} {t2,b,2000000}")
        #expect(bench.answer(1, "MARTLET HELD") == .array([.bulk("q"), .integer(2)]))
        #expect(bench.answer(1, "MARTLET HELD q 0 1") == .array([.bulk("{t2,b,2000000}")]))
        #expect(bench.answer(1, "MARTLET HELD q 1 9") == .array([.bulk("{t1,a,3000000}")]))
        #expect(bench.answer(1, "MARTLET HELD q x 9")?.isError == true)
        #expect(bench.answer(1, "MARTLET HELD q")?.isError == true)
        #expect(bench.answer(1, "MARTLET FOO")?.isError == true)
    }
}

/// The age of what waits, without a time for each message.
@Suite struct ArrivalTimesTests {
    @Test func marksStayFewAndAgesNear() {
        var times = ArrivalTimes()
        var arrivals: [Int64] = []
        for step in 0..<50_000 {
            times.came(1, now: Int64(step) * 7)
            arrivals.append(Int64(step) * 7)
        }
        let end = Int64(50_000 * 7)
        for taken in arrivals.indices {
            let age = times.went(1, now: end)
            let truth = end - arrivals[taken]
            // Older than it is by the distance of two marks at most.
            #expect(age >= truth && age - truth <= end / 32, "\(taken): \(age) for \(truth)")
            if age < truth || age - truth > end / 32 { return }
        }
        times.came(1, now: end)
        #expect(times.waiting(now: end + 5) == 5, "nothing is left of before")
    }

    @Test func whatComesBackIsOldAgain() {
        var times = ArrivalTimes()
        times.came(2, now: 0)
        _ = times.went(2, now: 100)
        times.returned(1, now: 100)
        #expect(times.waiting(now: 200) >= 100)
    }
}
