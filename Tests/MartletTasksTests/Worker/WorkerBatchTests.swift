import MartletLogic
import MartletWire
import Synchronization
import Testing

@testable import MartletTasks

/// Tasks that are run together, from the broker and back.
@Suite struct WorkerBatchTests {
    /// Full batches of `size`, which are noted; what becomes of each is up to `outcomes`.
    private func tasks(
        size: Int, timeout: Duration = .seconds(20), seen: Seen = Seen(),
        _ outcomes: @escaping @Sendable ([TaskRun]) async -> [TaskOutcome]
    ) -> FakeTasks {
        var tasks = FakeTasks { description in
            if description.name == "echo" { description.rules.batch = BatchRule(size: size, timeout: timeout) }
        }
        tasks.batch = { runs in
            seen.note(runs)
            return await outcomes(runs)
        }
        return tasks
    }

    @Test func allOfABatchAreOneCallAndEachHasItsResult() async throws {
        let seen = Seen()
        let tasks = tasks(size: 8, seen: seen) { runs in runs.map { .success($0.message.args, runtime: 0) } }
        try await WorkerStage.run(tasks, { $0.desk.slots = 1 }) { stage in
            var ids: [String] = []
            for number in 0..<8 { ids.append(try await stage.send("echo", [.integer(Int64(number))])) }
            for (number, id) in ids.enumerated() {
                let result = try await stage.result(of: id)
                #expect(result.state == .success)
                #expect(result.result.text == "[\(number)]")
            }
            #expect(seen.batches.map { Set($0) } == [Set(ids)])
            try await stage.holds { $0.counters("echo").succeeded == 8 }
            #expect(stage.counters("echo").started == 8)
            try await stage.holds { try await $0.client.say("HLEN unacked").wholeNumber == 0 }
        }
    }

    @Test func oneThatFailsFailsAloneAndOneThatAsksIsRunAgain() async throws {
        let tasks = tasks(size: 3) { runs in
            runs.map { run in
                switch run.message.args.text {
                case "[0]": .failure(TaskFailure("ValueError", "bad z"), runtime: 0)
                case "[1]" where run.message.retries == 0: .retry(TaskFailure("Retry", "later"), delay: 0)
                default: .success(run.message.args, runtime: 0)
                }
            }
        }
        try await WorkerStage.run(tasks) { stage in
            var ids: [String] = []
            for number in 0..<3 { ids.append(try await stage.send("echo", [.integer(Int64(number))])) }
            #expect(try await stage.result(of: ids[0]).state == .failure)
            #expect(try await stage.result(of: ids[2]).state == .success)
            try await stage.holds { $0.counters("echo").retried == 1 }
            for _ in 0..<2 { try await stage.send("echo", [9]) }
            #expect(try await stage.result(of: ids[1]).state == .success)
        }
    }

    @Test func aBatchThatIsNotFullBeginsInTime() async throws {
        let seen = Seen()
        let tasks = tasks(size: 64, timeout: .milliseconds(20), seen: seen) { runs in
            runs.map { _ in .success(.null, runtime: 0) }
        }
        try await WorkerStage.run(tasks) { stage in
            let id = try await stage.send("echo")
            #expect(try await stage.result(of: id).state == .success)
            #expect(seen.batches == [[id]])
        }
    }

    @Test func aMemberThatWasRevokedBeforeIsLeftOut() async throws {
        let seen = Seen()
        let tasks = tasks(size: 2, seen: seen) { runs in runs.map { _ in .success(.null, runtime: 0) } }
        try await WorkerStage.run(tasks) { stage in
            let revoked = try await stage.send("echo")
            try await stage.holds { $0.worker.state.withLock { $0.desk.waiting } == 1 }
            _ = await stage.worker.revoke([revoked], terminate: false)
            let others = [try await stage.send("echo"), try await stage.send("echo")]
            #expect(try await stage.result(of: revoked).state == .revoked)
            for id in others { #expect(try await stage.result(of: id).state == .success) }
            #expect(seen.batches.map { Set($0) } == [Set(others)])
        }
    }

    @Test func whoGetsNoOutcomeIsServedAgain() async throws {
        let seen = Seen()
        let tasks = tasks(size: 2, seen: seen) { runs in
            let outcomes = runs.map { _ in TaskOutcome.success(.null, runtime: 0) }
            return seen.batches.count == 1 ? Array(outcomes.prefix(1)) : outcomes
        }
        try await WorkerStage.run(tasks) { stage in
            let ids = [try await stage.send("echo"), try await stage.send("echo")]
            try await stage.holds { $0.counters("echo").succeeded == 1 }
            try await stage.send("echo")
            for id in ids { #expect(try await stage.result(of: id).state == .success) }
        }
    }

    @Test func aBatchThatIsCutOffAtTheEndOfItsWorkerGoesBackWhole() async throws {
        let begun = Signal()
        let tasks = tasks(size: 2) { runs in
            begun.notify()
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(60)) }
            return runs.map { _ in .cancelled }
        }
        try await LiveBroker.run { live in
            try await WorkerStage.run(tasks, WorkerStage.settings { $0.drain = .zero }, on: live) { stage in
                for _ in 0..<2 { try await stage.send("echo") }
                await begun.wait()
            }
            let client = live.client()
            #expect(try await client.say("LLEN celery").wholeNumber == 2)
            await client.close()
        }
    }

    final class Seen: Sendable {
        private let noted = Mutex<[[String]]>([])
        var batches: [[String]] { noted.withLock { $0 } }
        func note(_ runs: [TaskRun]) { noted.withLock { $0.append(runs.map(\.message.id)) } }
    }
}
