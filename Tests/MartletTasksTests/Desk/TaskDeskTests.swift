import Foundation
import MartletBase
import MartletLogic
import MartletWire
import NIOCore
import Testing

@testable import MartletTasks

@Suite("The desk of tasks")
struct TaskDeskTests {
    private func submission(_ json: JSONValue) throws -> TaskSubmission {
        try TaskSubmission(json, now: TaskDesk.nowMilliseconds)
    }

    @Test("A task that is handed in lies on its queue as Celery's workers read it, and is found by its id")
    func submit() async throws {
        try await DeskFixture.run { fixture in
            let task = try await fixture.desk.submit(
                try submission([
                    "task": "tasks.add", "args": [1, "é"], "kwargs": ["x": .number(2.5)], "queue": "cpu_queue", "priority": 4,
                    "key": "user-1",
                ]))
            #expect(task.isNew && task.queue == "cpu_queue")
            let message = try #require(
                try await fixture.answer("LINDEX", "cpu_queue\u{06}\u{16}3", "0").bytes)
            let read = try TaskMessage(Array(buffer: message))
            #expect((read.id, read.name, read.priority) == (task.id, "tasks.add", 4))
            #expect(read.args.value == [1, "é"] && read.kwargs.value == ["x": .number(2.5)])
            #expect(read.headers["x-key"]?.string == "user-1")
            #expect(
                try await fixture.answer("SMEMBERS", "_kombu.binding.cpu_queue").elements.compactMap(\.string)
                    == ["cpu_queue\u{06}\u{16}\u{06}\u{16}cpu_queue"])
            let view = try #require(try await fixture.desk.task(task.id))
            #expect(view["state"] == "PENDING" && view["ready"] == false && view["name"] == "tasks.add")
            #expect(view["place"]?["queue"] == "cpu_queue" && view["place"]?["ahead"] == 0)
        }
    }

    @Test("A task of somebody else's is found on its queue, and one that nobody knows is not there")
    func foreign() async throws {
        try await DeskFixture.run { fixture in
            for number in 0..<3 {
                var task = OutgoingTask(name: "tasks.mul", id: "foreign-\(number)")
                task.queue = "q"
                try await fixture.broker.publish([
                    (
                        key: task.listKey(), queue: "q",
                        message: ByteBuffer(bytes: task.message(deliveryTag: "t\(number)", now: 0))
                    )
                ])
            }
            let view = try #require(try await fixture.desk.task("foreign-2"))
            #expect(view["name"] == "tasks.mul" && view["place"]?["ahead"] == 2)
            #expect(try await fixture.desk.task("nobody") == nil)
            let page = try await fixture.desk.waiting(on: "q", after: 1, limit: 1)
            #expect(page["total"] == 3 && page["next"] == "2")
            guard case .array(let tasks)? = page["tasks"] else { throw Missing() }
            #expect(tasks.compactMap { $0["id"] } == ["foreign-1"])
        }
    }

    private struct Missing: Error {}

    @Test("Results of every kind are shown as workers store them")
    func results() async throws {
        try await DeskFixture.run { fixture in
            try await fixture.store(["status": "SUCCESS", "result": ["a": [1]], "task_id": "s"], of: "s")
            let success = try #require(try await fixture.desk.task("s"))
            #expect(success["state"] == "SUCCESS" && success["ready"] == true && success["result"] == ["a": [1]])
            try await fixture.store(
                [
                    "status": "FAILURE", "traceback": "Traceback…", "task_id": "f",
                    "result": ["exc_type": "ValueError", "exc_message": ["bad z"], "exc_module": "builtins"],
                ], of: "f")
            let failure = try #require(try await fixture.desk.task("f"))
            #expect(failure["error"] == ["type": "ValueError", "message": "bad z"])
            #expect(failure["traceback"] == "Traceback…" && failure["result"] == .null)
            try await fixture.store(["status": "PROGRESS", "result": ["done": 3], "task_id": "p"], of: "p")
            let progress = try #require(try await fixture.desk.task("p"))
            #expect(progress["state"] == "PROGRESS" && progress["progress"] == ["done": 3])
            #expect(progress["ready"] == false)
        }
    }

    @Test("Who waits for a result has it as soon as it is stored; who waits in vain is told what is known")
    func waiting() async throws {
        try await DeskFixture.run(isRunning: true) { fixture in
            let task = try await fixture.desk.submit(try submission(["task": "t"]))
            async let view = fixture.desk.task(task.id, within: .seconds(10))
            try await fixture.store(["status": "STARTED", "result": .null, "task_id": .string(task.id)], of: task.id)
            try await fixture.store(["status": "SUCCESS", "result": 7, "task_id": .string(task.id)], of: task.id)
            #expect(try await view?["result"] == 7)
            let other = try await fixture.desk.submit(try submission(["task": "t"]))
            let began = ContinuousClock.now
            #expect(try await fixture.desk.task(other.id, within: .milliseconds(100))?["state"] == "PENDING")
            #expect(ContinuousClock.now - began < .seconds(5))
        }
    }

    @Test("No more may wait than the settings say")
    func waiters() async throws {
        try await DeskFixture.run({ $0.waiters = 0 }) { fixture in
            await #expect(throws: MartletError.self) {
                try await fixture.desk.task("x", within: .seconds(1))
            }
        }
    }

    // MARK: One task for each key

    @Test("A second submission with the same key is the first one; with another task it is refused")
    func idempotency() async throws {
        try await DeskFixture.run { fixture in
            let body: JSONValue = ["task": "t", "args": [1], "queue": "q", "idempotency_key": "order-1"]
            let first = try await fixture.desk.submit(try submission(body))
            let second = try await fixture.desk.submit(try submission(body))
            #expect(first.isNew && !second.isNew && first.id == second.id)
            #expect(try await fixture.answer("LLEN", "q") == .integer(1))
            var other = body
            other["args"] = [2]
            await #expect(throws: MartletError.self) { try await fixture.desk.submit(try submission(other)) }
            #expect(try await fixture.answer("LLEN", "q") == .integer(1))
        }
    }

    @Test("Of many at once with one key, one is sent")
    func storm() async throws {
        try await DeskFixture.run { fixture in
            let one = try submission(["task": "t", "queue": "q", "idempotency_key": "k"])
            let ids = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { try await fixture.desk.submit(one).id } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            #expect(try await fixture.answer("LLEN", "q") == .integer(1))
        }
    }

    /// As if whoever has the key `k` had died long ago, and before it could note that the task was sent.
    private func abandon(_ fixture: DeskFixture) async throws {
        let key = "martlet-idempotency-k"
        let stored = try #require(try await fixture.answer("GET", key).bytes)
        var note = try #require(JSONValue.parsed(stored.readableBytesView))
        note["sent"] = false
        note["at"] = 0
        _ = try await fixture.answer("SET", key, note.text)
    }

    @Test("A key whose owner died before the task was sent is taken over, under the id that others were told")
    func takeover() async throws {
        try await DeskFixture.run { fixture in
            let one = try submission(["task": "t", "queue": "q", "idempotency_key": "k"])
            let first = try await fixture.desk.submit(one)
            _ = try await fixture.answer("DEL", "q")
            try await abandon(fixture)
            _ = try await fixture.answer("DEL", "martlet-task-\(first.id)")
            let sent = try await withThrowingTaskGroup(of: SubmittedTask.self) { group in
                for _ in 0..<5 { group.addTask { try await fixture.desk.submit(one) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(sent.filter(\.isNew).count == 1 && sent.allSatisfy { $0.id == first.id })
            #expect(try await fixture.answer("LLEN", "q") == .integer(1))
        }
    }

    @Test("A task that was sent is not sent again by who takes its key over")
    func takeoverOfWhatWasSent() async throws {
        try await DeskFixture.run { fixture in
            let one = try submission(["task": "t", "queue": "q", "idempotency_key": "k"])
            let first = try await fixture.desk.submit(one)
            try await abandon(fixture)
            let second = try await fixture.desk.submit(one)
            #expect(!second.isNew && second.id == first.id)
            #expect(try await fixture.answer("LLEN", "q") == .integer(1))
        }
    }

    /// The binding is refused, and the push beside it is not: whoever tries again must not send a second one.
    @Test("A key is kept while nobody can say that its task was not sent")
    func keptWhenInDoubt() async throws {
        try await DeskFixture.run { fixture in
            _ = try await fixture.answer("SET", "_kombu.binding.q", "text")
            let one = try submission(["task": "t", "queue": "q", "idempotency_key": "k", "unique": "u"])
            await #expect(throws: MartletError.self) { try await fixture.desk.submit(one) }
            #expect(try await fixture.answer("LLEN", "q") == .integer(1))
            #expect(try await fixture.answer("EXISTS", "martlet-idempotency-k", "martlet-unique-u") == .integer(2))
            #expect(try await fixture.desk.submit(one).isNew == false)
            #expect(try await fixture.answer("LLEN", "q") == .integer(1))
        }
    }

    @Test("A key is free again when the task was refused")
    func freeWhenRefused() async throws {
        try await DeskFixture.run { fixture in
            _ = try await fixture.answer("SET", "q", "text")
            let one = try submission(["task": "t", "queue": "q", "idempotency_key": "k", "unique": "u"])
            await #expect(throws: MartletError.self) { try await fixture.desk.submit(one) }
            #expect(try await fixture.answer("EXISTS", "martlet-idempotency-k", "martlet-unique-u") == .integer(0))
            _ = try await fixture.answer("DEL", "q")
            #expect(try await fixture.desk.submit(one).isNew)
        }
    }

    @Test("A key that holds something else is refused", arguments: [["SET", "text"], ["LPUSH", "text"]])
    func foreignKey(_ words: [String]) async throws {
        try await DeskFixture.run { fixture in
            _ = try await fixture.answer(words[0], "martlet-idempotency-k", words[1])
            let one = try submission(["task": "t", "queue": "q", "idempotency_key": "k"])
            await #expect(throws: MartletError.self) { try await fixture.desk.submit(one) }
            #expect(try await fixture.answer("EXISTS", "q") == .integer(0))
        }
    }

    @Test("A unique task is there once until it is over, however many hand it in at once")
    func unique() async throws {
        try await DeskFixture.run { fixture in
            let one = try submission(["task": "t", "queue": "q", "unique": "report", "max_retries": 2])
            let sent = try await withThrowingTaskGroup(of: SubmittedTask.self) { group in
                for _ in 0..<10 { group.addTask { try await fixture.desk.submit(one) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(sent.filter(\.isNew).count == 1 && Set(sent.map(\.id)).count == 1)
            #expect(try await fixture.answer("LLEN", "q") == .integer(1))
            let id = try #require(sent.first?.id)
            try await fixture.store(["status": "SUCCESS", "result": 1, "task_id": .string(id)], of: id)
            let next = try await fixture.desk.submit(one)
            #expect(next.isNew && next.id != id)
            let message = try #require(try await fixture.answer("LINDEX", "q", "0").bytes)
            #expect(try TaskMessage(Array(buffer: message)).headers["x-max-retries"]?.integer == 2)
        }
    }

    // MARK: Calling off

    @Test("A task that waits is taken from its queue, its client has the end, and workers were told")
    func cancelWaiting() async throws {
        try await DeskFixture.run { fixture in
            let first = try await fixture.desk.submit(try submission(["task": "t", "queue": "q"]))
            let second = try await fixture.desk.submit(try submission(["task": "t", "queue": "q"]))
            #expect(try await fixture.desk.cancel(first.id) == .revoked)
            #expect(try await fixture.answer("LLEN", "q") == .integer(1))
            let view = try #require(try await fixture.desk.task(first.id))
            #expect(view["state"] == "REVOKED" && view["ready"] == true && view["cancelled"] == true)
            #expect(view["error"]?["type"] == "TaskRevokedError")
            #expect(try await fixture.answer("ZSCORE", "martlet.revoked", first.id) != .null)
            #expect(try await fixture.desk.task(second.id)?["state"] == "PENDING")
            #expect(try await fixture.desk.cancel(first.id) == .tooLate)
        }
    }

    @Test("A task that waits for its time is found, counted and taken out")
    func cancelScheduled() async throws {
        try await DeskFixture.run { fixture in
            let task = try await fixture.desk.submit(try submission(["task": "t", "queue": "q", "countdown": 3600]))
            #expect(try await fixture.answer("LLEN", "q") == .integer(0))
            #expect(try await fixture.desk.task(task.id)?["place"]?["scheduled"] == true)
            #expect(try await fixture.desk.queue("q").scheduled == 1)
            let page = try await fixture.desk.waiting(on: "q", after: 0, limit: 10)
            #expect(page["total"] == 1 && page.text.contains(task.id) && page.text.contains(#""scheduled":true"#))
            #expect(try await fixture.desk.cancel(task.id) == .revoked)
            #expect(try await fixture.desk.queue("q").scheduled == 0)
            #expect(try await fixture.desk.task(task.id)?["state"] == "REVOKED")
        }
    }

    @Test("A task that a worker has is told to stop by remote control, as Celery's own clients do it")
    func cancelRunning() async throws {
        try await DeskFixture.run { fixture in
            let listener = try await TestClient.connect(to: fixture.server.address)
            try await listener.call("SUBSCRIBE /0.celery.pidbox")
            try await fixture.store(["status": "STARTED", "result": .null, "task_id": "r"], of: "r")
            #expect(try await fixture.desk.cancel("r") == .told)
            guard case .array(let news) = try await listener.next(), let text = news.last?.bytes,
                let message = JSONValue.parsed(text.readableBytesView), let body = message["body"]?.plainText,
                let request = Data(base64Encoded: body).flatMap({ JSONValue.parsed($0) })
            else { throw Missing() }
            #expect(request["method"] == "revoke" && request["destination"] == .null)
            #expect(request["arguments"]?["task_id"] == "r" && request["arguments"]?["terminate"] == true)
            await listener.close()
        }
    }

    // MARK: Dead letters

    @Test("Dead letters are listed the oldest first, and go back to their queue and priority, those that are asked for")
    func deadLetters() async throws {
        try await DeskFixture.run { fixture in
            for number in 0..<5 {
                _ = try await fixture.desk.submit(
                    try submission(["task": "t", "queue": "q", "id": .string("id-\(number)"), "priority": 6]))
                let popped = try #require(try await fixture.answer("LPOP", "q\u{06}\u{16}6").bytes)
                _ = try await fixture.desk.ask([command("LPUSH", "q.dead") + [popped]])
            }
            let page = try await fixture.desk.deadLetters(of: "q", after: 0, limit: 2)
            guard case .array(let tasks)? = page["tasks"] else { throw Missing() }
            #expect(page["total"] == 5 && tasks.compactMap { $0["id"] } == ["id-0", "id-1"] && page["next"] == "2")
            #expect(try await fixture.desk.replay("q", ids: ["id-3", "no"], limit: 10) == ["id-3"])
            #expect(try await fixture.answer("LLEN", "q\u{06}\u{16}6") == .integer(1))
            #expect(try await fixture.answer("LLEN", "q.dead") == .integer(4))
            #expect(try await fixture.desk.replay("q", ids: nil, limit: 2) == ["id-0", "id-1"])
            #expect(try await fixture.desk.replay("q", ids: nil, limit: 100) == ["id-2", "id-4"])
            #expect(try await fixture.answer("LLEN", "q.dead") == .integer(0))
        }
    }

    @Test("Two who replay at once move each dead letter once")
    func twoReplays() async throws {
        try await DeskFixture.run { fixture in
            for number in 0..<20 {
                _ = try await fixture.desk.submit(
                    try submission(["task": "t", "queue": "q", "id": .string("id-\(number)")]))
                let popped = try #require(try await fixture.answer("LPOP", "q").bytes)
                _ = try await fixture.desk.ask([command("LPUSH", "q.dead") + [popped]])
            }
            let other = TaskDesk(broker: fixture.broker, logger: fixture.logger)
            async let first = fixture.desk.replay("q", ids: nil, limit: 100)
            async let second = other.replay("q", ids: nil, limit: 100)
            #expect(try await (first + second).sorted() == (0..<20).map { "id-\($0)" }.sorted())
            #expect(try await fixture.answer("LLEN", "q") == .integer(20))
            #expect(try await fixture.answer("LLEN", "q.dead") == .integer(0))
        }
    }
}
