import MartletLogic
import MartletWire
import NIOCore
import Synchronization
import Testing

@testable import MartletTasks

/// What is stored and published when tasks end, as Celery's clients and workers read it.
@Suite struct WorkerBooksTests {
    @Test func aSuccessIsStoredAsCeleryStoresIt() async throws {
        try await WorkerStage.run { stage in
            let id = try await stage.send("add", [2, 2], id: "t1")
            let expected =
                #"{"status": "SUCCESS", "result": 4, "traceback": null, "children": [], "date_done": DATE, "task_id": "t1"}"#
            #expect(try await stage.json(of: id) == expected)
            #expect(try await stage.client.say("TTL celery-task-meta-t1").wholeNumber ?? 0 > 86_000)
            try await stage.holds { $0.counters("add").succeeded == 1 }
            #expect(try await stage.client.say("HLEN unacked") == .integer(0))
            #expect(try await stage.client.say("LLEN celery") == .integer(0))
        }
    }

    @Test func aFailureIsStoredAsCeleryStoresIt() async throws {
        try await WorkerStage.run { stage in
            let id = try await stage.send("fail", id: "t1")
            let exception = #"{"exc_type": "ValueError", "exc_message": ["bad z"], "exc_module": "builtins"}"#
            let expected =
                #"{"status": "FAILURE", "result": \#(exception), "traceback": "Traceback: here", "children": [], "date_done": DATE, "task_id": "t1"}"#
            #expect(try await stage.json(of: id) == expected)
            try await stage.holds { $0.counters("fail").failed == 1 }
        }
    }

    @Test func aTaskThatNobodyKnowsFails() async throws {
        try await WorkerStage.run { stage in
            let result = try await stage.result(of: try await stage.send("nobody.knows"))
            #expect(result.state == .failure)
            #expect(result.failure == TaskFailure.notRegistered("nobody.knows"))
        }
    }

    @Test func whatAskedToBeRunAgainIsSentWithTheSameID() async throws {
        let retries = Mutex<[Int]>([])
        let tasks = FakeTasks(["again": { run in
            retries.withLock { $0.append(run.message.retries) }
            return run.message.retries < 2
                ? .retry(TaskFailure("OSError", "busy"), delay: 0) : .success(RawJSON("done"), runtime: 0)
        }])
        try await WorkerStage.run(tasks) { stage in
            let result = try await stage.result(of: try await stage.send("again"))
            #expect(result.result.string == "done")
            #expect(retries.withLock { $0 } == [0, 1, 2])
            try await stage.holds { $0.counters("again").retried == 2 }
        }
    }

    @Test func moreRetriesThanAllowedAreAFailureWithItsException() async throws {
        let tasks = FakeTasks(["again": { _ in .retry(TaskFailure("OSError", "busy"), delay: 0) }]) {
            $0.rules.retry.maximumRetries = 1
        }
        try await WorkerStage.run(tasks) { stage in
            let result = try await stage.result(of: try await stage.send("again"))
            #expect(result.failure?.type == "OSError")
            #expect(stage.counters("again").retried == 1)
        }
    }

    @Test func resultsThatNobodyWantsAreNotStored() async throws {
        try await WorkerStage.run { stage in
            let id = try await stage.send("add", [1]) { $0.ignoreResult = true }
            try await stage.holds { $0.counters("add").succeeded == 1 }
            #expect(try await stage.client.result(of: id) == nil)
        }
    }

    @Test func aStoredSuccessIsNeverOverwritten() async throws {
        try await WorkerStage.run { stage in
            _ = try await stage.result(of: try await stage.send("add", [1], id: "t1"))
            try await stage.send("fail", id: "t1")
            try await stage.holds { $0.counters("fail").failed == 1 }
            #expect(try await stage.result(of: "t1").state == .success)
        }
    }

    @Test func aMessageThatCannotBeReadIsPutAside() async throws {
        try await WorkerStage.run { stage in
            let pickled =
                #"{"body": "gASVAAA=", "content-encoding": "binary", "content-type": "application/x-python-serialize", "headers": {"task": "add", "id": "p1"}, "properties": {"delivery_tag": "d1", "body_encoding": "base64", "delivery_info": {"exchange": "", "routing_key": "celery"}}}"#
            try await stage.client.publish([
                (key: "celery", queue: "celery", message: ByteBuffer(string: pickled))
            ])
            let result = try await stage.result(of: "p1")
            #expect(result.failure?.type == "InvalidTaskError")
            #expect(result.failure?.text.contains("pickle") == true)
            try await stage.holds { try await $0.client.say("LLEN celery.dead") == .integer(1) }
        }
    }

    @Test func whatIsExpiredIsNotRun() async throws {
        try await WorkerStage.run { stage in
            let result = try await stage.result(of: try await stage.send("add") { $0.expires = 1000 })
            #expect(result.state == .revoked)
            #expect(stage.counters("add").started == 0)
        }
    }

    @Test func tasksThatEveryWorkerKnowsAreRun() async throws {
        try await WorkerStage.run { stage in
            let result = try await stage.result(of: try await stage.send("celery.accumulate", [1, 2]))
            #expect(result.result.value == [1, 2])
        }
    }

    /// A task that says much is not held up, and the broker is not asked to keep what nobody can look at.
    @Test func ofManyStatesTheLastOneIsSeen() async throws {
        let goOn = Signal()
        let tasks = FakeTasks(["busy": { run in
            for number in 1...10_000 { await run.progress(RawJSON(.integer(Int64(number)))) }
            await goOn.wait()
            return .success(.null, runtime: 0)
        }])
        try await WorkerStage.run(tasks) { stage in
            let before = try await stage.commands()
            let id = try await stage.send("busy")
            try await stage.holds { stage in
                guard let stored = try await stage.client.result(of: id) else { return false }
                return try TaskResult(parsing: Array(buffer: stored)).result.integer == 10_000
            }
            #expect(try await stage.commands() - before < 5000)
            goOn.notify()
            #expect(try await stage.result(of: id).state == .success)
        }
    }

    @Test func progressIsStoredWhileATaskRuns() async throws {
        let goOn = Signal()
        let tasks = FakeTasks(["slow": { run in
            await run.progress(RawJSON(["percent": 50]))
            await goOn.wait()
            return .success(.null, runtime: 0)
        }])
        try await WorkerStage.run(tasks) { stage in
            let id = try await stage.send("slow")
            try await stage.holds { stage in
                guard let stored = try await stage.client.result(of: id) else { return false }
                let result = try TaskResult(parsing: Array(buffer: stored))
                return result.state.rawValue == "PROGRESS" && result.result.value == ["percent": 50]
            }
            goOn.notify()
            #expect(try await stage.result(of: id).state == .success)
        }
    }
}
