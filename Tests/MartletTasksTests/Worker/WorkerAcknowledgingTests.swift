import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization
import Testing

@testable import MartletTasks

/// Tasks that are acknowledged before they run.
@Suite(.timeLimit(.minutes(1))) struct WorkerAcknowledgingTests {
    private static func early(_ name: String, _ handler: @escaping FakeTasks.Handler) -> FakeTasks {
        FakeTasks([name: handler]) { if $0.name == name { $0.rules.acksLate = false } }
    }

    @Test func theBrokerHasNoMessageAnyMoreWhenTheRunBegins() async throws {
        let (begun, goOn) = (Signal(), Signal())
        let tasks = Self.early("pays") { run in
            begun.notify()
            await goOn.wait()
            return .success(RawJSON(.bool(run.receipt == nil)), runtime: 0)
        }
        try await WorkerStage.run(tasks) { stage in
            let id = try await stage.send("pays")
            await begun.wait()
            #expect(try await stage.client.say("HLEN unacked") == .integer(0))
            #expect(try await stage.client.say("LLEN celery") == .integer(0))
            goOn.notify()
            #expect(try await stage.result(of: id).result.value == true)
            // What the acknowledgement left behind for a connection that breaks is gone.
            try await stage.holds { try await $0.client.say("KEYS martlet-acknowledged-*").elements.isEmpty }
        }
    }

    @Test func itsStatesAndWhatFollowsItAreToldAsOfAnyTask() async throws {
        let said = Signal()
        let goOn = Signal()
        let tasks = Self.early("pays") { run in
            await run.progress(RawJSON(["percent": 50]))
            said.notify()
            await goOn.wait()
            return .success(RawJSON(.integer(1)), runtime: 0)
        }
        try await WorkerStage.run(tasks) { stage in
            _ = try await stage.apply(.chain([.of("pays", id: "p"), .of("add", [1], id: "a")]))
            await said.wait()
            try await stage.holds { stage in
                guard let stored = try await stage.client.result(of: "p") else { return false }
                return String(buffer: stored).contains("PROGRESS")
            }
            goOn.notify()
            #expect(try await stage.result(of: "a").result.integer == 2)
            #expect(try await stage.result(of: "p").state == .success)
        }
    }

    @Test func itIsNotServedAgainWhenItsProcessDies() async throws {
        let tasks = Self.early("pays") { _ in .lost(reason: "signal 9 (SIGKILL)") }
        try await WorkerStage.run(tasks) { stage in
            let result = try await stage.result(of: try await stage.send("pays"))
            #expect(result.failure?.type == "WorkerLostError")
            #expect(stage.counters("pays").started == 1)
            #expect(try await stage.client.say("LLEN celery") == .integer(0))
        }
    }

    @Test func itIsNotServedAgainAfterAStopThatDidNotWaitForIt() async throws {
        let begun = Signal()
        try await LiveBroker.run { live in
            let tasks = Self.early("pays", FakeTasks.endless(begun))
            try await WorkerStage.run(tasks, WorkerStage.settings(), on: live) { stage in
                try await stage.send("pays", id: "t1")
                await begun.wait()
            }
            let client = live.client()
            let stored = try #require(try await client.result(of: "t1"))
            #expect(try TaskResult(parsing: Array(buffer: stored)).failure?.type == "WorkerLostError")
            #expect(try await client.take([QueueList(queue: "celery")], count: 10).isEmpty)
            await client.close()
        }
    }

    /// The answer to an acknowledgement is lost with its connection: whoever asks again is told that the message is not
    /// there, and has to know by whom it was acknowledged.
    @Test func whoDidNotHearTheAnswerKnowsWhoseTheTaskIs() async throws {
        try await WorkerStage.run { stage in
            let client = stage.client
            try await client.publish([(key: "q", queue: "q", message: message("t1"))])
            let receipt = try #require(try await client.take([QueueList(queue: "q")], count: 1).first?.receipt)
            let due = DueAcknowledgement(id: DeliveryID(1), receipt: receipt)
            #expect(try await stage.worker.wereAcknowledged([due], [false]) == [false])
            #expect(try await client.finish([due.finish(kept: .seconds(60))]) == [true])
            #expect(try await client.finish([due.finish(kept: .seconds(60))]) == [false])
            #expect(try await stage.worker.wereAcknowledged([due], [false]) == [true])
            var other = receipt
            other.lease += 1
            let others = DueAcknowledgement(id: DeliveryID(2), receipt: other)
            #expect(try await stage.worker.wereAcknowledged([others], [false]) == [false])
        }
    }

    /// The answer to what it published is lost with its connection.
    @Test func whatFollowsIsPublishedOnceAlthoughTheAnswerWasLost() async throws {
        try await WorkerStage.run { stage in
            let client = stage.client
            try await client.publish([(key: "q", queue: "q", message: message("t1"))])
            let receipt = try #require(try await client.take([QueueList(queue: "q")], count: 1).first?.receipt)
            let entry = BookEntry(
                taskID: "t1", name: "pays", receipt: receipt, message: message("t1"),
                act: .publish([(key: "again", queue: "again", message: message("t1"))]), tally: .retried)
            for mayBeDone in [false, true, true] {
                try await stage.worker.takeFirstSteps(of: entry, mayBeDone: mayBeDone)
            }
            #expect(try await client.say("LLEN again") == .integer(1))
        }
    }
}
