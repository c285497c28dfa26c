import Testing

@testable import MartletLogic

@Suite struct PublishTests {
    private func push(_ id: Int64, _ words: [Answer], _ version: ReplyVersion = .two) -> BrokerEffect {
        .push(ClientID(id), .array(words), version)
    }

    @Test func subscribersHearWhatIsPublishedWhateverTheirDatabase() {
        let bench = BrokerBench()
        bench.say(1, "SELECT 1")
        #expect(
            bench.say(1, "SUBSCRIBE a b") == [
                push(1, [.bulk("subscribe"), .bulk("a"), .integer(1)]),
                push(1, [.bulk("subscribe"), .bulk("b"), .integer(2)]),
            ])
        #expect(
            bench.say(2, "PUBLISH a x") == [
                push(1, [.bulk("message"), .bulk("a"), .bulk("x")]), .reply(ClientID(2), .integer(1), .two),
            ])
        #expect(bench.say(2, "PUBLISH c x") == [.reply(ClientID(2), .integer(0), .two)])
    }

    @Test func patternsMatchChannels() {
        let bench = BrokerBench()
        bench.say(1, "PSUBSCRIBE /0.celeryev/worker.*")
        let effects = bench.say(2, "PUBLISH /0.celeryev/worker.online x")
        #expect(
            effects.first
                == push(
                    1,
                    [
                        .bulk("pmessage"), .bulk("/0.celeryev/worker.*"), .bulk("/0.celeryev/worker.online"),
                        .bulk("x"),
                    ]))
        #expect(bench.answer(2, "PUBLISH /0.celeryev/task.multi x") == .integer(0))
    }

    @Test func whoUnsubscribedHearsNothing() {
        let bench = BrokerBench()
        bench.say(1, "SUBSCRIBE a b")
        bench.say(1, "PSUBSCRIBE *")
        #expect(bench.say(1, "UNSUBSCRIBE a") == [push(1, [.bulk("unsubscribe"), .bulk("a"), .integer(2)])])
        #expect(bench.answer(2, "PUBLISH a x") == .integer(1))
        #expect(bench.say(1, "PUNSUBSCRIBE") == [push(1, [.bulk("punsubscribe"), .bulk("*"), .integer(1)])])
        #expect(bench.say(1, "UNSUBSCRIBE") == [push(1, [.bulk("unsubscribe"), .bulk("b"), .integer(0)])])
        #expect(bench.say(1, "UNSUBSCRIBE") == [push(1, [.bulk("unsubscribe"), .null, .integer(0)])])
        #expect(bench.answer(2, "PUBLISH b x") == .integer(0))
    }

    @Test func whoLeftHearsNothing() {
        let bench = BrokerBench()
        bench.say(1, "SUBSCRIBE a")
        bench.say(1, "PSUBSCRIBE *")
        bench.leave(1)
        #expect(bench.answer(2, "PUBLISH a x") == .integer(0))
        #expect(bench.answer(2, "PUBSUB CHANNELS") == .array([]))
    }

    @Test func aSubscriberOfRESP2SaysLittleElse() {
        let bench = BrokerBench()
        bench.say(1, "SUBSCRIBE a")
        #expect(bench.answer(1, "GET a")?.isError == true)
        #expect(bench.answer(1, "PING") == .array([.bulk("pong"), .bulk("")]))
        bench.say(2, "HELLO 3")
        bench.say(2, "SUBSCRIBE a")
        #expect(bench.answer(2, "GET a") == .null)
        #expect(bench.answer(2, "PING") == .simple("PONG"))
    }

    @Test func channelsAreListed() {
        let bench = BrokerBench()
        bench.say(1, "SUBSCRIBE news.b news.a other")
        bench.say(2, "SUBSCRIBE news.a")
        bench.say(2, "PSUBSCRIBE n*")
        #expect(bench.answer(3, "PUBSUB CHANNELS news.*") == .array([.bulk("news.a"), .bulk("news.b")]))
        #expect(
            bench.answer(3, "PUBSUB NUMSUB news.a none")
                == .array([.bulk("news.a"), .integer(2), .bulk("none"), .integer(0)]))
        #expect(bench.answer(3, "PUBSUB NUMPAT") == .integer(1))
    }

    @Test func anAnswerIsToldInTheVersionThatWasSpokenThen() {
        let bench = BrokerBench()
        bench.say(1, "HELLO 3")
        bench.say(1, "SUBSCRIBE a")
        #expect(
            bench.say(2, "PUBLISH a x").first
                == push(1, [.bulk("message"), .bulk("a"), .bulk("x")], .three))
    }
}
