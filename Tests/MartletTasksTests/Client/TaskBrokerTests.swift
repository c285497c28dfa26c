import MartletBase
import MartletNet
import MartletWire
import NIOCore
import Testing

@testable import MartletTasks

/// The client against a running broker.
@Suite(.timeLimit(.minutes(1))) struct TaskBrokerTests {
    private let q = QueueList(queue: "q")

    private func publish(_ broker: TaskBroker, _ tags: String...) async throws {
        try await broker.publish(tags.map { ("q", "q", message($0)) })
    }

    private func result(_ text: String) -> StoredResult {
        StoredResult(key: "celery-task-meta-t1", json: ByteBuffer(string: text), expires: .seconds(60))
    }

    @Test func queuesHaveAListForEachStepOfPriority() {
        #expect(QueueList(queue: "q", step: 3).key == "q\u{6}\u{16}3")
        #expect(
            QueueList.all(of: ["a", "b"]).map(\.key) == [
                "a", "b", "a\u{6}\u{16}3", "b\u{6}\u{16}3", "a\u{6}\u{16}6", "b\u{6}\u{16}6", "a\u{6}\u{16}9",
                "b\u{6}\u{16}9",
            ])
    }

    @Test func aMessageIsPublishedTakenAndFinished() async throws {
        try await LiveBroker.run { live in
            let broker = live.client()
            try await publish(broker, "t1", "t2", "t3")
            #expect(try await broker.say("SMEMBERS _kombu.binding.q") == .set([.bulk("q\u{6}\u{16}\u{6}\u{16}q")]))
            let taken = try await broker.take([q], count: 2)
            #expect(taken.map(\.receipt.tag) == ["t1", "t2"])
            #expect(taken.map(\.message) == [message("t1"), message("t2")])
            #expect(taken.allSatisfy { $0.deliveries == 1 && $0.receipt.lease == 1 && $0.receipt.queue == "q" })
            #expect(try await broker.finish(taken[0].receipt, storing: result("{}")))
            #expect(try await broker.result(of: "t1") == ByteBuffer(string: "{}"))
            #expect(try await broker.result(of: "t2") == nil)
            #expect(try await broker.finish(taken[1].receipt, storing: nil))
            #expect(try await broker.finish(taken[0].receipt, storing: result("again")) == false)
            #expect(try await broker.result(of: "t1") == ByteBuffer(string: "{}"))
            #expect(try await broker.take([q], count: 5).count == 1)
            #expect(try await broker.take([q], count: 5).isEmpty)
            #expect(try await broker.take([], count: 5).isEmpty)
            await broker.close()
        }
    }

    @Test func manyAreFinishedAtOnceAndPublishWhatFollows() async throws {
        try await LiveBroker.run { live in
            let broker = live.client()
            try await broker.publish((0..<1000).map { ("q", "q", message("t\($0)")) })
            let taken = try await broker.take([q], count: 1000)
            #expect(taken.map(\.receipt.tag) == (0..<1000).map { "t\($0)" })
            var batch = taken.map { delivery in
                TaskFinish(
                    receipt: delivery.receipt,
                    storing: StoredResult(
                        key: "r-\(delivery.receipt.tag)", json: ByteBuffer(string: "{}"), expires: .seconds(60)),
                    publishing: [("next", "next", message("n-\(delivery.receipt.tag)", queue: "next"))])
            }
            batch[7].receipt.lease += 1
            let verdicts = try await broker.finish(batch)
            #expect(verdicts.count == 1000)
            #expect(verdicts.indices.filter { !verdicts[$0] } == [7])
            #expect(try await broker.say("LLEN next") == .integer(999))
            #expect(try await broker.say("SCARD _kombu.binding.next") == .integer(1))
            #expect(try await broker.say("EXISTS r-t7") == .integer(0))
            #expect(try await broker.say("HLEN unacked") == .integer(1))
            #expect(try await broker.finish([]).isEmpty)
            await broker.close()
        }
    }

    @Test func callsOfManyTasksGoTogether() async throws {
        try await LiveBroker.run { live in
            let broker = live.client()
            try await broker.publish((0..<200).map { ("q", "q", message("t\($0)")) })
            let taken = try await broker.take([q], count: 200)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for delivery in taken { group.addTask { try await broker.finish(delivery.receipt, storing: nil) } }
                for try await isDone in group { #expect(isDone) }
            }
            #expect(try await broker.say("HLEN unacked") == .integer(0))
            await broker.close()
        }
    }

    @Test func renewingTellsWhatIsLost() async throws {
        try await LiveBroker.run { live in
            let broker = live.client()
            try await publish(broker, "t1", "t2")
            let receipts = try await broker.take([q], count: 2).map(\.receipt)
            #expect(try await broker.renew(receipts).isEmpty)
            #expect(try await broker.finish(receipts[0], storing: nil))
            #expect(try await broker.renew(receipts) == [receipts[0]])
            #expect(try await broker.renew([]).isEmpty)
            await broker.close()
        }
    }

    @Test func whatIsGivenBackIsMarkedAndServedWhereItWasPut() async throws {
        try await LiveBroker.run { live in
            let broker = live.client()
            try await publish(broker, "t1", "t2", "t3")
            let taken = try await broker.take([q], count: 2)
            #expect(try await broker.giveBack(taken[0].receipt, message: taken[0].message, atHead: false))
            #expect(try await broker.giveBack(taken[1].receipt, message: taken[1].message, atHead: true))
            #expect(try await broker.giveBack(taken[1].receipt, message: taken[1].message, atHead: true) == false)
            let again = try await broker.take([q], count: 5)
            #expect(again.map(\.receipt.tag) == ["t2", "t3", "t1"])
            #expect(again.map(\.deliveries) == [1, 1, 2])
            #expect(again.map { isRedelivered($0.message) } == [true, false, true])
            #expect(try await broker.finish(taken[1].receipt, storing: nil) == false, "another lease")
            await broker.close()
        }
    }

    @Test func whatIsBuriedIsWithTheDeadLetters() async throws {
        try await LiveBroker.run { live in
            let broker = live.client()
            try await publish(broker, "t1")
            let taken = try await broker.take([q], count: 1)
            #expect(try await broker.bury(taken[0].receipt, message: taken[0].message))
            #expect(try await broker.say("LRANGE q.dead 0 -1") == .array([.bulk(taken[0].message)]))
            #expect(try await broker.bury(taken[0].receipt, message: taken[0].message) == false)
            await broker.close()
        }
    }

    @Test func messagesOfAClientThatDiesReturnAndItsLeaseIsRefused() async throws {
        try await LiveBroker.run { live in
            let (one, other) = (live.client(), live.client())
            try await publish(one, "t1", "t2")
            let taken = try await one.take([q], count: 2)
            #expect(try await other.take([q], count: 2).isEmpty)
            await one.close()
            try await other.wait(for: [q])
            var again: [Delivery] = []
            while again.count < 2 { again += try await other.take([q], count: 2) }
            #expect(again.map(\.receipt.tag) == ["t1", "t2"])
            #expect(again.allSatisfy { $0.deliveries == 2 && isRedelivered($0.message) })
            #expect(try await other.finish(taken[0].receipt, storing: result("old")) == false)
            #expect(try await other.result(of: "t1") == nil)
            #expect(try await other.finish(again[0].receipt, storing: result("new")))
            #expect(try await other.result(of: "t1") == ByteBuffer(string: "new"))
            await #expect(throws: MartletError.self) { try await one.take([q], count: 1) }
            await other.close()
        }
    }

    @Test func aWorkerThatStandsStillLosesItsLease() async throws {
        try await LiveBroker.run { live in
            let (one, other) = (live.client(), live.client())
            try await publish(one, "t1")
            let taken = try await one.take([q], count: 1)
            #expect(try await other.restore(lease: .seconds(30)) == 0)
            // As if it had not renewed for a minute.
            _ = try await other.say("ZINCRBY unacked_index -60 t1")
            #expect(try await other.restore(lease: .seconds(30)) == 1)
            #expect(try await one.renew([taken[0].receipt]) == [taken[0].receipt])
            #expect(try await other.take([q], count: 1).first?.deliveries == 2)
            await one.close()
            await other.close()
        }
    }

    @Test func connectionsOfQueuesThatAreLeftAreClosed() async throws {
        try await LiveBroker.run { live in
            let broker = live.client { $0.idle = .zero }
            try await broker.publish([("q", "q", message("t1")), ("r", "r", message("t2"))])
            try await broker.wait(for: [QueueList(queue: "q")])
            #expect(broker.watcher.watched == ["q"])
            try await broker.wait(for: [QueueList(queue: "r")])
            #expect(broker.watcher.watched == ["r"])
            await broker.close()
        }
    }

    @Test func statesAreStoredAndHeard() async throws {
        try await LiveBroker.run { live in
            let broker = live.client(prefix: "app:")
            let (heard, continuation) = AsyncStream.makeStream(of: (String, ByteBuffer).self)
            let (ready, isReady) = AsyncStream.makeStream(of: Void.self)
            let listening = Task {
                try await broker.subscribe(
                    channels: ["celery-task-meta-t1"], patterns: ["celery-task-*"], ready: { isReady.yield() }
                ) { continuation.yield(($0, $1)) }
            }
            for await _ in ready { break }
            #expect(try await broker.tell([StateNews(result("{}"))]) == [true])
            var count = 0
            for await (channel, json) in heard {
                #expect(channel == "celery-task-meta-t1")
                #expect(json == ByteBuffer(string: "{}"))
                count += 1
                if count == 2 { break }
            }
            let life = try await broker.say("TTL app:celery-task-meta-t1")
            #expect(life == .integer(60) || life == .integer(59))
            var forEver = result("more")
            forEver.expires = .zero
            try await broker.tell([StateNews(forEver)])
            #expect(try await broker.say("TTL app:celery-task-meta-t1") == .integer(-1))
            #expect(try await broker.result(of: "t1") == ByteBuffer(string: "more"))
            listening.cancel()
            await #expect(throws: CancellationError.self) { try await listening.value }
            await broker.close()
        }
    }

    @Test func aPrefixStandsBeforeAllKeys() async throws {
        try await LiveBroker.run { live in
            let broker = live.client(prefix: "app:")
            try await publish(broker, "t1", "t2")
            #expect(try await broker.say("LLEN app:q") == .integer(2))
            #expect(broker.keyed("q") == "app:q")
            try await broker.wait(for: [q])
            let taken = try await broker.take([q], count: 1)
            #expect(taken[0].receipt.key == "q")
            #expect(try await broker.say("HGET app:martlet.leases t1") == .bulk("1 app:q"))
            #expect(try await broker.bury(taken[0].receipt, message: taken[0].message))
            #expect(try await broker.say("LLEN app:q.dead") == .integer(1))
            let keys = try await broker.say("KEYS *")
            guard case .array(let names) = keys else {
                Issue.record("\(keys)")
                return
            }
            for case .bulk(let name) in names { #expect(String(buffer: name).hasPrefix("app:")) }
            let lives = try await broker.take([q], count: 1)
            await broker.close()
            let other = live.client(prefix: "app:")
            try await other.wait(for: [q])
            #expect(try await other.take([q], count: 1).first?.receipt.tag == lives[0].receipt.tag)
            await other.close()
        }
    }

    @Test func refusalsAreThrown() async throws {
        try await LiveBroker.run { live in
            let broker = live.client()
            await #expect(throws: RedisError.self) {
                try await broker.publish([("q", "q", ByteBuffer(string: "no message"))])
            }
            _ = try await broker.say("SET s text")
            await #expect { try await broker.take([QueueList(queue: "s")], count: 1) } throws: { error in
                (error as? RedisError)?.code == "WRONGTYPE"
            }
            await broker.close()
        }
    }

    @Test func scriptsThatAreForgottenAreToldAgain() async throws {
        try await LiveBroker.run { live in
            let broker = live.client()
            try await publish(broker, "t1")
            _ = try await broker.say("SCRIPT FLUSH")
            let taken = try await broker.take([q], count: 1)
            _ = try await broker.say("SCRIPT FLUSH")
            #expect(try await broker.finish(taken[0].receipt, storing: nil))
            await broker.close()
        }
    }
}
