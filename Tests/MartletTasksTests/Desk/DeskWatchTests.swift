import Foundation
import MartletLogic
import MartletWire
import NIOCore
import Testing

@testable import MartletTasks

@Suite("What the desk sees of queues and workers")
struct DeskWatchTests {
    private func submission(_ json: JSONValue) throws -> TaskSubmission {
        try TaskSubmission(json, now: TaskDesk.nowMilliseconds)
    }

    @Test("Queues are known once a task was sent to them; those of remote control are nobody's work")
    func queueNames() async throws {
        try await DeskFixture.run { fixture in
            for queue in ["b", "a"] {
                _ = try await fixture.desk.submit(try submission(["task": "t", "queue": .string(queue)]))
            }
            for (exchange, queue) in [
                ("celery.pidbox", "w1@h.celery.pidbox"), ("reply.celery.pidbox", "1.reply.celery.pidbox"),
                ("celeryev", "celeryev.1"),
            ] {
                _ = try await fixture.answer(
                    "SADD", "_kombu.binding.\(exchange)", "\u{06}\u{16}\u{06}\u{16}\(queue)")
            }
            #expect(try await fixture.desk.queueNames() == ["a", "b"])
        }
    }

    @Test("A queue shows what waits in each priority, what workers have taken and what is dead")
    func look() async throws {
        try await DeskFixture.run { fixture in
            for priority in [0, 0, 5, 9] {
                _ = try await fixture.desk.submit(
                    try submission(["task": "t", "queue": "q", "priority": .integer(Int64(priority))]))
            }
            _ = try await fixture.broker.take([QueueList(queue: "q", step: 9)], count: 1)
            _ = try await fixture.desk.submit(try submission(["task": "t", "queue": "q", "priority": 9]))
            _ = try await fixture.answer("LPUSH", "q.dead", "x")
            let look = try await fixture.desk.queue("q")
            #expect(look.waitingByStep == [2, 1, 0, 1] && look.waiting == 4)
            #expect(look.reserved == 1 && look.deadLetters == 1)
            let metric = try await fixture.desk.external(.waiting, queues: ["q"])
            guard case .array(let items)? = metric["items"] else { throw Missing() }
            #expect(items.first?["value"] == "4" && items.first?["metricLabels"] == ["queue": "q"])
            #expect(try await fixture.desk.external(.oldestAge, queues: ["q"])["kind"] == "ExternalMetricValueList")
        }
    }

    private struct Missing: Error {}

    @Test("What Martlet's broker says of its queues is read, of this database alone, and a Redis server says nothing")
    func numbers() {
        let info = "# Queues\r\nmessages_taken:3\r\n"
            + "queue_0:name=q,db=0,ready=4,delayed=2,taken=3,dead=1,oldest_ms=1500,published=9,delivered=5\r\n"
            + "queue_1:name=q,db=1,ready=9,delayed=9,taken=9,dead=9,oldest_ms=9,published=9,delivered=9\r\n"
            + "queue_2:name=a?b,db=0,ready=0\r\nqueue_3:nonsense\r\n"
        let numbers = BrokerNumbers.read(info, database: 0)
        #expect(numbers["q"] == BrokerNumbers(taken: 3, delayed: 2, dead: 1, oldestSeconds: 1.5))
        #expect(numbers.count == 2 && numbers[BrokerNumbers.shown("a,b")] == BrokerNumbers())
        #expect(BrokerNumbers.read("# Server\r\nredis_version:7.0.15\r\n", database: 0).isEmpty)
    }

    @Test("The age of the oldest message grows while nobody takes it")
    func age() async throws {
        try await DeskFixture.run(isRunning: true) { fixture in
            _ = try await fixture.desk.submit(try submission(["task": "t", "queue": "q"]))
            try await eventually("an age") { try await fixture.desk.queue("q").oldestSeconds > 0.5 }
            _ = try await fixture.answer("DEL", "q")
            try await eventually("no age") {
                let look = try await fixture.desk.queue("q")
                return look.waiting == 0 && look.oldestSeconds == 0
            }
        }
    }

    @Test("Before a Redis server messages are counted, and their age is known by looking at them")
    func counted() async throws {
        try await DeskFixture.run { fixture in
            let keys = QueueLists.keys("q")
            let look = { try await fixture.desk.count(["q"], keys, try await fixture.desk.lengths(of: keys))["q"] }
            #expect(try await look() == BrokerNumbers())
            _ = try await fixture.desk.submit(try submission(["task": "t", "queue": "q"]))
            _ = try await fixture.answer("HSET", "unacked", "tag", #"[{"a":1},"","q"]"#)
            _ = try await fixture.answer("LPUSH", "q.dead", "x")
            try await eventually("an age") { try await look()?.oldestSeconds ?? 0 > 0.2 }
            let numbers = try #require(try await look())
            #expect(numbers.taken == 1 && numbers.dead == 1)
            _ = try await fixture.answer("DEL", "q")
            #expect(try await look()?.oldestSeconds == 0)
        }
    }

    @Test("Enough workers are wanted for what waits and is in hand, within the bounds")
    func autoscale() async throws {
        try await DeskFixture.run({ $0.desiredWorkers = 1...5 }) { fixture in
            #expect(try await fixture.desk.autoscale("q")["desired"] == 1)
            // As long as nobody knows how long a task takes, each has a worker.
            for _ in 0..<3 { _ = try await fixture.desk.submit(try submission(["task": "t", "queue": "q"])) }
            let some = try await fixture.desk.autoscale("q")
            #expect(some["waiting"] == 3 && some["desired"] == 3 && some["queue"] == "q")
            for _ in 0..<30 { _ = try await fixture.desk.submit(try submission(["task": "t", "queue": "q"])) }
            #expect(try await fixture.desk.autoscale("q")["desired"] == 5)
            // Thirty-three of a fiftieth of a second each are done by one in a moment, however long they waited.
            fixture.desk.note(Self.end(of: "other", on: "q", runtime: 0.02))
            #expect(try await fixture.desk.autoscale("q")["desired"] == 1)
        }
    }

    private static func end(of id: String, on queue: String, runtime: Double) -> TaskNews {
        var news = TaskNews(id: id, state: TaskState.success, time: TaskDesk.now)
        news.queue = queue
        news.runtime = runtime
        return news
    }

    @Test("What workers publish is shown: tasks with their timeline, workers with their load")
    func events() async throws {
        try await DeskFixture.run(isRunning: true) { fixture in
            // Until the desk listens, what is published is lost.
            try await eventually("a worker") {
                try await fixture.publish([
                    "type": "worker-heartbeat", "hostname": "w@h", "timestamp": 1, "freq": 2, "active": 1,
                    "processed": 9, "loadavg": [.number(0.5), .number(0.25), .number(0.125)], "sw_ident": "py-celery", "sw_ver": "5.7.0", "pid": 4,
                ])
                return fixture.desk.workers() != []
            }
            for (type, more): (String, [String: JSONValue]) in [
                ("task-received", ["name": "tasks.add", "args": "(1, 2)", "kwargs": "{}", "queue": "q", "retries": 0]),
                ("task-started", [:]), ("task-succeeded", ["result": "3", "runtime": .number(0.25)]),
            ] {
                var event: [String: JSONValue] = [
                    "type": .string(type), "hostname": "w@h", "timestamp": 2, "uuid": "e1",
                ]
                event.merge(more) { $1 }
                try await fixture.publish(.object(event))
            }
            try await eventually("the end") { try await fixture.desk.task("e1")?["state"] == "SUCCESS" }
            let task = try #require(try await fixture.desk.task("e1"))
            #expect(task["name"] == "tasks.add" && task["queue"] == "q" && task["worker"] == "w@h")
            #expect(task["runtime"] == .number(0.25) && task["result"] == "3")
            guard case .array(let steps)? = task["timeline"], case .array(let workers) = fixture.desk.workers() else {
                throw Missing()
            }
            #expect(steps.compactMap { $0["state"] } == ["RECEIVED", "STARTED", "SUCCESS"])
            #expect(workers.first?["processed"] == 9 && workers.first?["load"] == [.number(0.5), .number(0.25), .number(0.125)])
            #expect(workers.first?["alive"] == true && workers.first?["software"] == "py-celery 5.7.0")
        }
    }

    @Test("Messages that are no events are passed over, however broken", arguments: [
        "", "{", "[]", "{}", #"{"body":1}"#, #"{"body":"{}"}"#, #"{"body":"[1,null,{}]"}"#,
        #"{"body":"{\"type\":\"task-started\"}"}"#,
        #"{"body":"{\"type\":\"task-started\",\"timestamp\":1,\"uuid\":7}"}"#,
        #"{"body":"%%","properties":{"body_encoding":"base64"}}"#,
        #"{"body":"{\"type\":\"worker-nonsense\",\"timestamp\":1,\"hostname\":\"h\"}"}"#,
    ])
    func noEvents(text: String) {
        let events = EventReader.read(Array(text.utf8))
        #expect(events.isEmpty || events.count == 1 && text.contains(#""uuid\":7"#))
    }
}
