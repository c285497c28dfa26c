import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization
import Testing

@testable import MartletTasks

/// Runs that are ended from outside, leases that are lost, workers that stop.
@Suite struct WorkerEndingTests {
    @Test func aRunIsEndedAtItsHardLimit() async throws {
        let begun = Signal()
        try await WorkerStage.run(FakeTasks(["endless": FakeTasks.endless(begun)])) { stage in
            let result = try await stage.result(of: try await stage.send("endless") { $0.hardLimit = 0.1 })
            #expect(result.failure?.type == "TimeLimitExceeded")
            #expect(result.failure?.arguments == [RawJSON(.number(0.1))])
        }
    }

    @Test func runsAreToldTheirLimits() async throws {
        let limits = Mutex<(soft: Instant?, hard: Instant)?>(nil)
        let tasks = FakeTasks(["look": { run in
            limits.withLock { $0 = (run.softDeadline, run.deadline) }
            return .success(.null, runtime: 0)
        }])
        try await WorkerStage.run(tasks) { stage in
            let start = Instant.current
            _ = try await stage.result(
                of: try await stage.send("look") {
                    $0.softLimit = 10
                    $0.hardLimit = 20
                })
            let told = try #require(limits.withLock { $0 })
            #expect(try #require(told.soft) >= start + .seconds(10))
            #expect(told.hard >= start + .seconds(20) && told.hard < start + .seconds(40))
        }
    }

    @Test func whatIsRevokedBeforeItComesIsNotRun() async throws {
        try await WorkerStage.run { stage in
            _ = await stage.worker.revoke(["t1"], terminate: false)
            // Whoever waits hears of it at once.
            #expect(try await stage.result(of: "t1").state == .revoked)
            try await stage.send("add", id: "t1")
            try await stage.holds { $0.counters("add").revoked == 1 }
            #expect(stage.counters("add").started == 0)
        }
    }

    @Test func revocationsSurviveARestart() async throws {
        try await LiveBroker.run { live in
            let settings = WorkerStage.settings()
            try await WorkerStage.run(FakeTasks(), settings, on: live) { stage in
                _ = await stage.worker.revoke(["t1", "t2"], terminate: false)
            }
            try await WorkerStage.run(FakeTasks(), settings, on: live) { stage in
                #expect(stage.worker.status().revocations == 2)
                try await stage.send("add", id: "t2")
                try await stage.holds { $0.counters("add").revoked == 1 }
            }
        }
    }

    @Test func revokedStampsSurviveARestart() async throws {
        try await LiveBroker.run { live in
            let settings = WorkerStage.settings()
            try await WorkerStage.run(FakeTasks(), settings, on: live) { stage in
                _ = await stage.worker.revoke(stamps: ["batch": ["b1"]], terminate: false)
            }
            try await WorkerStage.run(FakeTasks(), settings, on: live) { stage in
                let isRevoked = stage.worker.state.withLock { $0.desk.revocations.contains(stamps: ["batch": ["b1"]]) }
                #expect(isRevoked)
            }
        }
    }

    /// What was revoked while the connection was away was told to others only.
    @Test func whatWasRevokedWhileNobodyListenedIsRecalled() async throws {
        try await WorkerStage.run { stage in
            let far = Int64(SystemClock.seconds * 1000) + 3_600_000
            #expect(try await stage.client.say("ZADD martlet.revoked \(far) t1") == .integer(1))
            #expect(stage.worker.status().revocations == 0)
            let listener = try #require(stage.broker.listeners.withLock { $0?.values.first })
            listener.close()
            try await stage.holds { $0.worker.status().revocations == 1 }
            try await stage.send("add", id: "t1")
            try await stage.holds { $0.counters("add").revoked == 1 }
        }
    }

    @Test func aRunIsTerminated() async throws {
        let begun = Signal()
        try await WorkerStage.run(FakeTasks(["endless": FakeTasks.endless(begun)])) { stage in
            let id = try await stage.send("endless")
            await begun.wait()
            #expect(await stage.worker.revoke([id], terminate: true) == [id])
            let result = try await stage.result(of: id)
            #expect(result.state == .revoked)
            #expect(result.result["exc_message"]?.value == ["terminated"])
        }
    }

    @Test func theOutcomeOfALostLeaseIsDiscarded() async throws {
        let (begun, ended) = (Signal(), Signal())
        let tasks = FakeTasks(["endless": { run in
            begun.notify()
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(60)) }
            ended.notify()
            return .success(RawJSON("too late"), runtime: 0)
        }])
        try await WorkerStage.run(tasks) { $0.desk.lease = .seconds(3) } _: { stage in
            let id = try await stage.send("endless")
            await begun.wait()
            // Somebody else has it now.
            #expect(try await stage.client.say("DEL martlet.leases") == .integer(1))
            await ended.wait()
            try await stage.holds { $0.counters("endless").abandoned == 1 }
            #expect(try await stage.client.result(of: id) == nil)
        }
    }

    /// Somebody else has the task by now, or has ended it: what the former worker still says of it is not stored.
    @Test func aStateOfALostLeaseDoesNotReplaceTheResult() async throws {
        let (begun, other) = (Signal(), Signal())
        let said = Signal()
        let tasks = FakeTasks(["slow": { run in
            begun.notify()
            await other.wait()
            await run.progress(RawJSON(["percent": 50]))
            said.notify()
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(60)) }
            return .cancelled
        }])
        try await WorkerStage.run(tasks) { $0.desk.lease = .seconds(3) } _: { stage in
            let id = try await stage.send("slow")
            await begun.wait()
            #expect(try await stage.client.say("DEL martlet.leases") == .integer(1))
            let success = #"{"status":"SUCCESS"}"#
            _ = try await stage.client.say("SET celery-task-meta-\(id) \(success)")
            let progress = try await stage.client.say("GET celery-task-meta-\(id)")
            other.notify()
            await said.wait()
            try await stage.holds { $0.counters("slow").abandoned == 1 }
            #expect(try await stage.client.say("GET celery-task-meta-\(id)") == progress)
        }
    }

    @Test func aStopWaitsForWhatRuns() async throws {
        let (begun, goOn) = (Signal(), Signal())
        let tasks = FakeTasks(["slow": { _ in
            begun.notify()
            await goOn.wait()
            return .success(RawJSON("whole"), runtime: 0)
        }])
        try await LiveBroker.run { live in
            let settings = WorkerStage.settings { $0.drain = .seconds(20) }
            let id = "t1"
            try await WorkerStage.run(tasks, settings, on: live) { stage in
                try await stage.send("slow", id: id)
                await begun.wait()
                await stage.worker.drain()
                #expect(stage.worker.status().state == .draining)
                #expect(!stage.worker.status().isReady)
                goOn.notify()
            }
            let client = live.client()
            let stored = try #require(try await client.result(of: id))
            #expect(try TaskResult(parsing: Array(buffer: stored)).result.string == "whole")
            await client.close()
        }
    }

    @Test func aStopHandsBackWhatDoesNotEndInTime() async throws {
        let begun = Signal()
        try await LiveBroker.run { live in
            let tasks = FakeTasks(["endless": FakeTasks.endless(begun)])
            try await WorkerStage.run(tasks, WorkerStage.settings(), on: live) { stage in
                try await stage.send("endless", id: "t1")
                await begun.wait()
            }
            let client = live.client()
            #expect(try await client.result(of: "t1") == nil)
            let deliveries = try await client.take([QueueList(queue: "celery")], count: 10)
            #expect(deliveries.count == 1)
            // It was this worker's will, and no failure of the task.
            #expect(deliveries.first?.deliveries == 1)
            await client.close()
        }
    }

    @Test func aTaskWhoseProcessDiesTooOftenIsPutAside() async throws {
        let tasks = FakeTasks(["deadly": { _ in .lost(reason: "signal 9 (SIGKILL)") }])
        try await WorkerStage.run(tasks) { $0.desk.maximumDeliveries = 2 } _: { stage in
            let result = try await stage.result(of: try await stage.send("deadly"))
            #expect(result.failure?.type == "WorkerLostError")
            try await stage.holds { try await $0.client.say("LLEN celery.dead") == .integer(1) }
            #expect(stage.counters("deadly").started == 2)
        }
    }

    @Test func whatWasRejectedGoesBack() async throws {
        let count = Mutex(0)
        let tasks = FakeTasks(["picky": { _ in
            let isFirst = count.withLock { count in
                count += 1
                return count == 1
            }
            return isFirst
                ? .rejected(requeue: true, TaskFailure("Reject", "not me")) : .success(.null, runtime: 0)
        }])
        try await WorkerStage.run(tasks) { stage in
            let result = try await stage.result(of: try await stage.send("picky"))
            #expect(result.state == .success)
            #expect(count.withLock { $0 } == 2)
        }
    }

    @Test func manyQuickTasksAreAllDone() async throws {
        try await WorkerStage.run { stage in
            let messages = (0..<2000).map { number in
                OutgoingTask(name: "add", id: "t\(number)", args: RawJSON([.integer(Int64(number))]))
            }
            try await stage.client.publish(stage.worker.books.messages(messages))
            try await stage.holds { $0.counters("add").succeeded == 2000 }
            #expect(try await stage.result(of: "t1999").result.integer == 1999)
            #expect(try await stage.client.say("HLEN unacked") == .integer(0))
        }
    }
}
