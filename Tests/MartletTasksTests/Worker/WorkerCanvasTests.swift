import MartletLogic
import MartletWire
import NIOCore
import Synchronization
import Testing

@testable import MartletTasks

/// Chains, groups and chords from end to end.
@Suite struct WorkerCanvasTests {
    @Test func aChainPassesItsResultsOn() async throws {
        try await WorkerStage.run { stage in
            _ = try await stage.apply(
                .chain([.of("add", [1, 1], id: "a"), .of("add", [2], id: "b"), .of("add", [10], id: "c")]))
            #expect(try await stage.result(of: "c").result.integer == 14)
            let (first, second) = (try await stage.result(of: "a"), try await stage.result(of: "b"))
            #expect(first.children == [.task("b")])
            #expect(second.parentID == "a")
        }
    }

    @Test func whatFollowsAFailureFails() async throws {
        try await WorkerStage.run { stage in
            _ = try await stage.apply(.chain([.of("fail", id: "a"), .of("add", [2], id: "b"), .of("add", id: "c")]))
            for id in ["a", "b", "c"] {
                let result = try await stage.result(of: id)
                #expect(result.state == .failure)
                #expect(result.failure?.type == "ValueError")
            }
            #expect(stage.counters("add").started == 0)
        }
    }

    @Test func callbacksGetTheResultAndErrbacksTheID() async throws {
        try await WorkerStage.run { stage in
            try await stage.send("add", [1, 2]) { $0.embed.callbacks = [.of("add", [10], id: "linked")] }
            #expect(try await stage.result(of: "linked").result.integer == 13)
            try await stage.send("fail", id: "broken") { $0.embed.errbacks = [.of("echo", id: "told")] }
            #expect(try await stage.result(of: "told").result.value == ["broken"])
        }
    }

    @Test func theBodyOfAChordGetsAllResultsInOrder() async throws {
        try await WorkerStage.run { stage in
            let header = (0..<10).map { Signature.of("add", [.integer(Int64($0)), 100]) }
            _ = try await stage.apply(.chord(header, .of("echo", id: "body")))
            let expected = JSONValue.array([.array((0..<10).map { .integer($0 + 100) })])
            #expect(try await stage.result(of: "body").result.value == expected)
            for part in [".j", ".t", ".s", ".d"] {
                #expect(try await stage.client.say("EXISTS celery-taskset-meta-g1\(part)") == .integer(0))
            }
        }
    }

    @Test func aChordOnlyPublishesItsBodyOnce() async throws {
        let bodies = Mutex(0)
        let tasks = FakeTasks(["body": { _ in
            bodies.withLock { $0 += 1 }
            return .success(.null, runtime: 0)
        }])
        try await WorkerStage.run(tasks) { stage in
            let steps = try await stage.apply(
                .chord((0..<8).map { _ in Signature.of("add", [1]) }, .of("body", id: "body")))
            _ = try await stage.result(of: "body")
            // A part that comes again after the end.
            try await stage.client.publish(stage.worker.books.messages([steps.tasks[0]]))
            try await stage.holds { $0.counters("add").succeeded == 9 }
            try await stage.holds { $0.worker.status().unsettled == 0 }
            #expect(bodies.withLock { $0 } == 1)
            #expect(try await stage.client.say("LLEN celery") == .integer(0))
        }
    }

    @Test func theBodyOfAChordFailsWithAPart() async throws {
        try await WorkerStage.run { stage in
            _ = try await stage.apply(
                .chord([.of("add", [1]), .of("fail", id: "part"), .of("add", [2])], .of("xsum", id: "body")))
            let result = try await stage.result(of: "body")
            #expect(result.failure?.type == "ChordError")
            #expect(result.failure?.text == "Dependency part raised ValueError('bad z')")
            #expect(stage.counters("xsum").started == 0)
        }
    }

    @Test func aGroupInAChainBecomesAChord() async throws {
        try await WorkerStage.run { stage in
            let group = Signature.group([.of("add", [1]), .of("add", [2])])
            _ = try await stage.apply(.chain([.of("add", [1, 1]), group, .of("xsum", id: "sum")]))
            #expect(try await stage.result(of: "sum").result.integer == 7)
        }
    }

    @Test func theChordScriptsAreThoseThatTheBrokerKnows() {
        #expect(KnownScript(rawValue: ChordScript.part.rawValue) == .chordPart)
        #expect(KnownScript(rawValue: ChordScript.extend.rawValue) == .chordExtend)
        #expect(KnownScript(rawValue: ChordScript.cleanup.rawValue) == .chordCleanup)
    }
}
