import MartletBase
import MartletWire
import Synchronization
import Testing

@testable import MartletTasks

/// The small parts that a worker is made of.
@Suite struct WorkerPartsTests {
    @Test func aSignalThatWasSaidBeforeEndsTheNextWait() async {
        let signal = Signal()
        signal.notify()
        signal.notify()
        await signal.wait()
        let isOver = Mutex(false)
        async let waiting: Void = {
            await signal.wait()
            isOver.withLock { $0 = true }
        }()
        await Task.yield()
        #expect(!isOver.withLock { $0 })
        signal.notify()
        await waiting
    }

    @Test func aWaitEndsWhenItsTaskIsCancelled() async {
        let signal = Signal()
        let task = Task { await signal.wait() }
        task.cancel()
        await task.value
    }

    @Test func theLogicalClockIsNeverBehindWhatWasHeard() {
        let clock = LamportClock()
        #expect(clock.forward() == 1)
        #expect(clock.adjust(41) == 42)
        #expect(clock.adjust(3) == 43)
        #expect(clock.adjust(.max) > 0)
        #expect(clock.forward() > 0)
    }

    @Test func idsAreRandomUUIDs() {
        let ids = Set((0..<1000).map { _ in RandomID.make() })
        #expect(ids.count == 1000)
        for id in ids {
            let parts = id.split(separator: "-")
            #expect(parts.map(\.count) == [8, 4, 4, 4, 12])
            #expect(parts[2].first == "4" && "89ab".contains(parts[3].prefix(1)))
            #expect(parts.joined().allSatisfy("0123456789abcdef".contains))
        }
    }

    @Test func argumentsAreReadAsLenientlyAsCelerysCommandsReadThem() {
        let arguments = ControlArguments(
            ["n": "3", "soft": 1, "safe": "yes", "ids": "one", "headers": ["stamp=a", "stamp=b"]], of: "x")
        #expect(arguments.integer("n") == 3)
        #expect(arguments.number("soft") == 1)
        #expect(arguments.flag("safe"))
        #expect(arguments.texts("ids") == ["one"])
        #expect(arguments.stamps("headers") == ["stamp": ["a", "b"]])
        #expect(throws: ControlRefusal.missing("queue", of: "x")) { try arguments.needed("queue") }
    }

    @Test func theEarliestCandidateIsElectedByAllThatAreAlive() {
        let clock = LamportClock()
        let gossip = Gossip(name: "w1@host", processID: 7, clock: clock, heartbeat: .seconds(2))
        func event(_ type: String, _ sender: String, _ more: [(String, RawJSON)] = [], clock: Int64 = 1) -> RawObject {
            RawObject(
                [("type", RawJSON(type)), ("hostname", RawJSON(sender)), ("clock", RawJSON(.integer(clock)))] + more)
        }
        let id = ("id", RawJSON("e1"))
        let candidate = [id, ("topic", RawJSON("task")), ("action", RawJSON("sig")), ("pid", RawJSON(.integer(7)))]
        #expect(gossip.hear(event("worker-heartbeat", "w1@host"), now: 100) == nil)
        #expect(gossip.hear(event("worker-heartbeat", "w2@host"), now: 100) == nil)
        gossip.call("e1")
        #expect(gossip.hear(event("worker-elect", "w1@host", candidate, clock: 5), now: 100) == .join("e1"))
        #expect(gossip.hear(event("worker-elect", "w2@host", candidate, clock: 6), now: 100) == .join("e1"))
        #expect(gossip.hear(event("worker-elect-ack", "w2@host", [id]), now: 100) == nil)
        #expect(
            gossip.hear(event("worker-elect-ack", "w1@host", [id]), now: 100)
                == .act(topic: "task", RawJSON("sig")))
        // It is over.
        #expect(gossip.hear(event("worker-elect-ack", "w1@host", [id]), now: 100) == nil)
    }

    @Test func aMessageMaySayWhoseWorkItIs() throws {
        var task = OutgoingTask(name: "add", id: "t1")
        task.extraHeaders = RawObject([("x-key", RawJSON("tenant")), ("x-weight", RawJSON(.integer(2)))])
        let message = try TaskMessage(task.message(deliveryTag: "d", now: 0))
        let fairness = FairnessHeaders(message)
        #expect(fairness.key == "tenant")
        #expect(fairness.weight == 2)
        #expect(fairness.concurrency == nil)
        let plain = try TaskMessage(OutgoingTask(name: "add", id: "t1").message(deliveryTag: "d", now: 0))
        #expect(FairnessHeaders(plain).key == nil)
    }
}
