import Testing

@testable import MartletLogic

/// What workers could not read does not get onto their queues.
@Suite struct DoorTests {
    @Test func aBrokenMessageIsRefusedOnAnyList() {
        let bench = BrokerBench()
        #expect(
            bench.answer(1, "LPUSH q {t1,a,0").map(\.errorText)
                == "ERR no message for the queue 'q': it has no end")
        #expect(bench.answer(1, "RPUSH q {t1,a,0} {t1}")?.isError == true)
        #expect(bench.list("q") == [], "none of them was pushed")
    }

    @Test func otherThingsAreRefusedOnQueuesOnly() {
        let bench = BrokerBench()
        #expect(bench.answer(1, "LPUSH q text") == .integer(1))
        bench.say(1, "DEL q")
        bench.bind("q")
        #expect(bench.answer(1, "LPUSH q text")?.isError == true)
        #expect(bench.answer(1, ["LPUSH", "q\u{6}\u{16}9", "text"])?.isError == true, "whatever its priority")
        #expect(bench.answer(1, "LPUSH other text") == .integer(1))
        bench.say(2, "SELECT 1")
        #expect(bench.answer(2, "LPUSH q text") == .integer(1), "another database")
    }

    @Test func aQueueIsOneAsLongAsItIsBound() {
        let bench = BrokerBench()
        let member: Bytes = "q\u{6}\u{16}\u{6}\u{16}q"
        bench.bind("q")
        bench.say(1, ["SADD", "_kombu.binding.other", member])
        bench.say(1, "DEL _kombu.binding.q")
        #expect(bench.answer(1, "LPUSH q text")?.isError == true)
        bench.say(1, ["SREM", "_kombu.binding.other", member])
        #expect(bench.answer(1, "LPUSH q text") == .integer(1))
    }

    @Test func queuesWithAPrefixAreKnown() {
        let bench = BrokerBench()
        bench.say(1, ["SADD", "app:_kombu.binding.q", "q\u{6}\u{16}\u{6}\u{16}q"])
        #expect(bench.answer(1, "LPUSH app:q text")?.isError == true)
        #expect(bench.answer(1, "LPUSH q text") == .integer(1))
    }

    @Test func queuesAreKnownAfterARestart() {
        let bench = BrokerBench()
        bench.bind("q")
        bench.restart()
        #expect(bench.answer(1, "LPUSH q text")?.isError == true)
    }

    @Test func aMessageIsBounded() {
        let bench = BrokerBench { $0.maximumMessageBytes = 20 }
        bench.bind("q")
        #expect(bench.answer(1, "LPUSH q {t1,a,0}") == .integer(1))
        #expect(bench.answer(1, "LPUSH q {t1,aaaaaaaaaaaaaaaaaaaa,0}")?.errorText.contains("20 bytes") == true)
    }

    @Test func repliesAndEventsPass() {
        let bench = BrokerBench()
        bench.bind("q")
        #expect(bench.answer(1, "LPUSH q {t1,,0}") == .integer(1))
    }

    @Test func databasesWithQueuesAreNotSwapped() {
        let bench = BrokerBench()
        #expect(bench.answer(1, "SWAPDB 0 1") == .ok)
        bench.bind("q")
        bench.say(1, "LPUSH q {t1,a,9000000}")
        #expect(bench.answer(1, "SWAPDB 0 1")?.isError == true)
    }
}
