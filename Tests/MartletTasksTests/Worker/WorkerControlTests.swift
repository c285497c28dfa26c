import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization
import Testing

@testable import MartletTasks

/// Remote control and events, as Celery's own tools use them.
@Suite struct WorkerControlTests {
    /// What the worker answers to a broadcast.
    private static func ask(
        _ stage: WorkerStage, _ method: String, _ arguments: JSONValue = [:]
    ) async throws -> JSONValue? {
        let name = RandomID.make()
        let broadcast = ControlBroadcast(method, arguments, expires: SystemClock.seconds + 10, replyTo: name)
        _ = try await stage.client.run([command("PUBLISH", "/0.celery.pidbox", broadcast.text)])
        let list = "\(name).reply.celery.pidbox"
        try await stage.holds { try await $0.client.say("LLEN \(list)") == .integer(1) }
        let reply = try #require(try await stage.client.say("RPOP \(list)").bytes)
        return try KombuMessage(Array(buffer: reply)).body.value["w1@host"]
    }

    @Test(arguments: [
        ("ping", [:], #"{"ok":"pong"}"#), ("nonsense", [:], #"{"error":"KeyError('nonsense')"}"#),
        ("registered", [:], #"["add","echo","fail","xsum"]"#), ("active", ["safe": true], "[]"),
        ("reserved", [:], "[]"), ("scheduled", [:], "[]"), ("revoked", [:], "[]"),
        ("revoke", ["task_id": "t1"], #"{"ok":"tasks {'t1'} flagged as revoked"}"#),
        ("terminate", ["task_id": ["t1"], "signal": "SIGTERM"], #"{"ok":"terminate: tasks unknown"}"#),
        ("revoke", [:], #"{"error":"TypeError(\"revoke() missing 1 required positional argument: 'task_id'\")"}"#),
        ("rate_limit", ["task_name": "add", "rate_limit": "10/m"], #"{"ok":"new rate limit set successfully"}"#),
        ("rate_limit", ["task_name": "add", "rate_limit": 0], #"{"ok":"rate limit disabled successfully"}"#),
        ("rate_limit", ["task_name": "none", "rate_limit": "1/s"], #"{"error":"unknown task"}"#),
        ("time_limit", ["task_name": "add", "soft": 1, "hard": 2], #"{"ok":"time limits set successfully"}"#),
        ("pool_grow", ["n": 2], #"{"ok":"pool will grow"}"#),
        ("pool_shrink", ["n": 1], #"{"ok":"pool will shrink"}"#),
        ("autoscale", ["max": 4, "min": 2], #"{"error":"ValueError('Autoscale not enabled')"}"#),
        ("add_consumer", ["queue": "qx"], #"{"ok":"add consumer qx"}"#),
        ("cancel_consumer", ["queue": "qx"], #"{"ok":"no longer consuming from qx"}"#),
        ("enable_events", [:], #"{"ok":"task events enabled"}"#),
        ("disable_events", [:], #"{"ok":"task events already disabled"}"#), ("heartbeat", [:], "null"),
        ("hello", ["from_node": "w1@host"], "null"),
    ] as [(String, JSONValue, String)])
    func commandsAreAnsweredAsCeleryAnswersThem(method: String, arguments: JSONValue, reply: String) async throws {
        try await WorkerStage.run { stage in
            let answer = try await Self.ask(stage, method, arguments)
            #expect(answer?.text == reply)
        }
    }

    @Test func monitorsFindWhatTheyRead() async throws {
        try await WorkerStage.run { stage in
            _ = try await stage.result(of: try await stage.send("add", [1]))
            let stats = try #require(try await Self.ask(stage, "stats"))
            #expect(stats["total"]?["add"] == 1)
            #expect(stats["pool"]?["max-concurrency"] == 4)
            #expect(stats["broker"]?["transport"] == "redis")
            #expect(stats["rusage"]?["utime"] != nil)
            let queues = try #require(try await Self.ask(stage, "active_queues"))
            guard case .array(let list) = queues else { return #expect(Bool(false), "\(queues)") }
            #expect(list.first?["name"] == "celery")
            #expect(list.first?["exclusive"] == false)
        }
    }

    @Test func tasksInHandAreShown() async throws {
        let begun = Signal()
        try await WorkerStage.run(FakeTasks(["endless": FakeTasks.endless(begun)])) { stage in
            try await stage.send("endless", [1], id: "t1")
            await begun.wait()
            guard case .array(let active) = try await Self.ask(stage, "active") else { throw WorkerStage.Overdue() }
            #expect(active.first?["id"] == "t1")
            #expect(active.first?["args"] == [1])
            #expect(active.first?["hostname"] == "w1@host")
            let found = try await Self.ask(stage, "query_task", ["ids": ["t1", "t2"]])
            guard case .array(let parts)? = found?["t1"] else { throw WorkerStage.Overdue() }
            #expect(parts.first == "active")
            #expect(found?["t2"] == nil)
        }
    }

    @Test func anotherWorkerIsToldWhatIsRevoked() async throws {
        try await WorkerStage.run { stage in
            _ = await stage.worker.revoke(["t1"], terminate: false)
            let hello = try await Self.ask(stage, "hello", ["from_node": "w2@host", "revoked": ["t2"]])
            #expect(Set(ControlPanel.ids(hello?["revoked"])) == ["t1", "t2"])
            #expect(hello?["clock"]?.int ?? 0 > 0)
        }
    }

    @Test func aQueueThatIsAddedIsServed() async throws {
        try await WorkerStage.run { stage in
            _ = try await Self.ask(stage, "add_consumer", ["queue": "other"])
            let result = try await stage.result(of: try await stage.send("add", [5]) { $0.queue = "other" })
            #expect(result.result.integer == 5)
        }
    }

    @Test func aShutdownIsADrain() async throws {
        try await WorkerStage.run { stage in
            let broadcast = ControlBroadcast("shutdown", [:], expires: SystemClock.seconds + 10)
            _ = try await stage.client.run([command("PUBLISH", "/0.celery.pidbox", broadcast.text)])
            try await stage.holds { [.draining, .stopped].contains($0.worker.status().state) }
        }
    }

    @Test func aWorkerOfAServerDoesNotObeyAShutdown() async throws {
        try await WorkerStage.run(FakeTasks(), { $0.obeysShutdown = false }) { stage in
            let answer = try await Self.ask(stage, "shutdown")
            #expect(answer?["error"] != nil)
            #expect(stage.worker.status().state == .running)
            let result = try await stage.result(of: try await stage.send("add", [5]))
            #expect(result.result.integer == 5)
        }
    }

    @Test func eventsTellATasksWay() async throws {
        try await LiveBroker.run { live in
            let heard = Mutex<[String]>([])
            let watcher = live.client()
            let ready = Signal()
            let listening = Task {
                try await watcher.subscribe(channels: [], patterns: ["/0.celeryev/*"], ready: ready.notify) {
                    let types = TaskEvent.events(in: Array(buffer: $1)).compactMap { $0["type"]?.string }
                    heard.withLock { $0 += types }
                }
            }
            await ready.wait()
            let settings = WorkerStage.settings { $0.sendsTaskEvents = true }
            try await WorkerStage.run(FakeTasks(), settings, on: live) { stage in
                _ = try await stage.result(of: try await stage.send("add", [1]))
                _ = try await stage.result(of: try await stage.send("fail"))
                try await stage.holds { _ in heard.withLock { $0.contains("task-failed") } }
            }
            listening.cancel()
            _ = await listening.result
            let types = heard.withLock { $0 }
            #expect(types.filter { $0.hasPrefix("task-") } == [
                "task-received", "task-started", "task-succeeded", "task-received", "task-started", "task-failed",
            ])
            #expect(types.first == "worker-online")
            #expect(types.last == "worker-offline")
            await watcher.close()
        }
    }
}
