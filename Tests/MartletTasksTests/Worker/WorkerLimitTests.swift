import MartletLogic
import MartletWire
import NIOCore
import Testing

@testable import MartletTasks

/// What bounds tasks in all workers together, through the broker.
@Suite struct WorkerLimitTests {
    @Test func aMessageMaySayItsRateAndItsUniqueKey() throws {
        var task = OutgoingTask(name: "add", id: "t1")
        task.extraHeaders = RawObject([
            ("x-rate", RawJSON("10/m")), ("x-rate-key", RawJSON("api")), ("x-unique", RawJSON("k")),
            ("x-unique-until", RawJSON("started")),
        ])
        let fairness = FairnessHeaders(try TaskMessage(task.message(deliveryTag: "d", now: 0)))
        #expect(fairness.rate?.text == "10/m")
        #expect(fairness.rateKey == "api")
        #expect(fairness.unique == "k")
        #expect(fairness.uniqueRule == UniqueRule(until: .started))
    }

    @Test func clientsTogetherKeepOneRate() async throws {
        try await LiveBroker.run { live in
            let (one, other) = (live.client(), live.client())
            let rule = SharedRateRule(key: "k", limit: try #require(RateLimit(1, per: .hour)))
            let first = try await one.mayBegin([(rule, 5)])
            #expect(first.map(\.count) == [1])
            let second = try await other.mayBegin([(rule, 5)])
            #expect(second.map(\.count) == [0])
            #expect(second.allSatisfy { $0.wait > .seconds(3000) })
            await one.close()
            await other.close()
        }
    }

    @Test func aUniqueKeyIsFreeInTheStepThatEndsItsTask() async throws {
        try await LiveBroker.run { live in
            let client = live.client()
            let hold = UniqueHold(key: "k", task: "t1")
            let rival = UniqueHold(key: "k", task: "t2")
            #expect(try await client.claim([hold]) == ["t1"])
            #expect(try await client.claim([rival]) == ["t1"])
            try await client.publish([("q", "q", message("t1"))])
            let taken = try #require(try await client.take([QueueList(queue: "q")], count: 1).first)
            var finish = TaskFinish(receipt: taken.receipt)
            finish.freeing = hold
            #expect(try await client.finish([finish]) == [true])
            #expect(try await client.claim([rival]) == ["t2"])
            await client.close()
        }
    }
}
