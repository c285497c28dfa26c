import MartletLogic
import MartletWire
import NIOCore
import Synchronization
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

/// Keys of which all workers together run so many.
@Suite struct WorkerKeyTests {
    @Test func aPlaceIsItsMessagesAsLongAsItsLeaseStands() async throws {
        try await LiveBroker.run { live in
            let (one, other) = (live.client(), live.client())
            try await one.publish(["t1", "t2", "t3"].map { ("q", "q", message($0)) })
            let lists = [QueueList(queue: "q")]
            let first = try await one.take(lists, count: 1).map(\.receipt)
            let others = try await other.take(lists, count: 2).map(\.receipt)
            func enter(_ client: TaskBroker, _ receipts: [Receipt]) async throws -> [Bool] {
                try await client.enter(receipts.map { KeyPlace(key: "k", limit: 2, receipt: $0) })
            }
            #expect(try await enter(one, first) == [true])
            #expect(try await enter(other, others) == [true, false])
            #expect(try await enter(one, first) == [true], "asked again, it has the same place")
            #expect(try await other.finish([TaskFinish(receipt: others[0])]) == [true])
            #expect(try await enter(other, [others[1]]) == [true])
            #expect(try await enter(other, [others[0]]) == [false], "its message is over")
            await one.close()
            await other.close()
        }
    }

    @Test func aDeadWorkersPlaceIsFree() async throws {
        try await LiveBroker.run { live in
            let (one, other) = (live.client(), live.client())
            try await one.publish(["t1", "t2"].map { ("q", "q", message($0)) })
            let lists = [QueueList(queue: "q")]
            let lost = try #require(try await one.take(lists, count: 1).first?.receipt)
            #expect(try await one.enter([KeyPlace(key: "k", limit: 1, receipt: lost)]) == [true])
            await one.close()
            try await other.wait(for: lists)
            let taken = try #require(try await other.take(lists, count: 1).first?.receipt)
            // The broker notices the end of the connection in its own time.
            while try await other.enter([KeyPlace(key: "k", limit: 1, receipt: taken)]) == [false] {
                try await other.wait(for: lists)
            }
            await other.close()
        }
    }

    @Test func twoWorkersRunOneOfAKeyAtATime() async throws {
        let running = Mutex(0)
        let most = Mutex(0)
        let tasks = FakeTasks([
            "keyed": { _ in
                let count = running.withLock { count in
                    count += 1
                    return count
                }
                most.withLock { $0 = max($0, count) }
                for _ in 0..<20 { await Task.yield() }
                running.withLock { $0 -= 1 }
                return .success(.null, runtime: 0)
            }
        ])
        try await LiveBroker.run { live in
            try await WorkerStage.run(tasks, WorkerStage.settings(), on: live) { stage in
                try await WorkerStage.run(tasks, WorkerStage.settings { $0.name = "w2@host" }, on: live) { _ in
                    var ids: [String] = []
                    for _ in 0..<12 {
                        ids.append(
                            try await stage.send("keyed") { task in
                                task.extraHeaders = RawObject([
                                    ("x-key", RawJSON("k")), ("x-key-concurrency", RawJSON(.integer(1))),
                                ])
                            })
                    }
                    for id in ids { #expect(try await stage.result(of: id).state == .success) }
                }
            }
        }
        #expect(most.withLock { $0 } == 1)
    }
}
