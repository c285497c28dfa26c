import Foundation
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import NIOPosix
import Testing

@testable import MartletTasks

@Suite("What a desk calls off and puts back")
struct DeskCancelTests {
    private func put(_ names: [String], on queue: String, _ fixture: DeskFixture) async throws -> [String] {
        var ids: [String] = []
        for name in names {
            var submission = TaskSubmission(name: name)
            submission.queue = queue
            ids.append(try await fixture.desk.submit(submission).id)
        }
        return ids
    }

    @Test func aPartOfAChordThatWaitsIsLeftToAWorkerWhichCountsIt() async throws {
        try await DeskFixture.run { fixture in
            let embed = #"{"chord": {"task": "tasks.body", "args": [], "kwargs": {}, "options": {}}}"#
            let body = Data("[[], {}, \(embed)]".utf8)
            let plain = String(buffer: message("part"))
            let part = plain.replacingOccurrences(of: "W1tdLCB7fSwge31d", with: body.base64EncodedString())
            _ = try await fixture.answer("SADD", "_kombu.binding.q", "q\u{06}\u{16}\u{06}\u{16}q")
            _ = try await fixture.answer("LPUSH", "q", part)
            #expect(try await fixture.desk.cancel("part") == .told)
            #expect(try await fixture.answer("LLEN", "q") == .integer(1))
            #expect(try await fixture.answer("ZSCORE", "martlet.revoked", "part") != .null)
            _ = try await fixture.answer("LPUSH", "q", String(buffer: message("other")))
            #expect(try await fixture.desk.cancel("other") == .revoked)
        }
    }

    @Test func whereResultsAreElsewhereTheEndOfAWaitingTaskIsThere() async throws {
        try await DeskFixture.run { fixture in
            var url = fixture.broker.url
            url.database = 1
            let results = TaskBroker(url, on: MultiThreadedEventLoopGroup.singleton, logger: fixture.logger)
            let desk = TaskDesk(broker: fixture.broker, results: results, logger: fixture.logger)
            let ids = try await put(["a", "a"], on: "q", fixture)
            #expect(try await desk.cancel(ids[0]) == .revoked)
            #expect(try await desk.task(ids[0])?["state"] == "REVOKED")
            #expect(try await fixture.answer("LLEN", "q") == .integer(1))
            #expect(try await fixture.answer("EXISTS", "celery-task-meta-\(ids[0])") == .integer(0))
            await results.close()
        }
    }

    @Test func manyAreCalledOffAtOnceAndToldInTheirOrder() async throws {
        try await DeskFixture.run { fixture in
            let ids = try await put((0..<60).map { _ in "a" }, on: "q", fixture)
            let answer = try await fixture.desk.cancel(TaskFilter(state: "PENDING", name: "a"), limit: 50)
            #expect(answer["ids"] == .array(ids.prefix(50).map { .string($0) }), "in the order in which they wait")
            #expect(answer["more"] == true)
            #expect(try await fixture.answer("LLEN", "q") == .integer(10))
        }
    }

    @Test func tasksOfANameThatWaitAreCalledOffTogetherUpToABound() async throws {
        try await DeskFixture.run { fixture in
            let ids = try await put(["a", "b", "a", "a"], on: "q", fixture)
            _ = try await put(["a"], on: "other", fixture)
            let filter = TaskFilter(state: "PENDING", name: "a", queue: "q")
            let first = try await fixture.desk.cancel(filter, limit: 2)
            #expect(first["cancelled"] == 2 && first["more"] == true)
            let second = try await fixture.desk.cancel(filter, limit: 2)
            #expect(second["cancelled"] == 1 && second["more"] == false)
            #expect(try await fixture.desk.task(ids[1])?["state"] == "PENDING")
            #expect(try await fixture.answer("LLEN", "q") == .integer(1))
            #expect(try await fixture.answer("LLEN", "other") == .integer(1))
            #expect(try await fixture.desk.cancel(filter, limit: 2)["cancelled"] == 0)
        }
    }

    @Test func tasksThatRunAreFoundByTheirState() async throws {
        try await DeskFixture.run { fixture in
            for (id, state) in [("r1", "STARTED"), ("r2", "SUCCESS"), ("r3", "STARTED")] {
                var news = TaskNews(id: id, state: state, time: TaskDesk.now)
                news.name = id == "r3" ? "longer" : "long"
                fixture.desk.note(news)
            }
            let answer = try await fixture.desk.cancel(TaskFilter(state: "STARTED", name: "long"), limit: 10)
            #expect(answer["ids"] == ["r1"] && answer["more"] == false)
            // It was told, and need not be told again.
            #expect(try await fixture.desk.cancel(TaskFilter(state: "STARTED", name: "long"), limit: 10)["ids"] == [])
        }
    }

    /// More tasks came and went since than memory holds.
    @Test(arguments: ["STARTED", nil] as [String?])
    func oneThatRunsForLongIsFoundInTheHistory(by state: String?) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "martlet-history-\(UUID().uuidString).sqlite")
        defer { try? FileManager.default.removeItem(at: file) }
        try await DeskFixture.run(history: file, isRunning: true) { fixture in
            func note(_ id: String, _ state: String) {
                var news = TaskNews(id: id, state: state, time: TaskDesk.now)
                news.name = "long"
                fixture.desk.note(news)
            }
            note("r1", "STARTED")
            try await eventually("it is written") { fixture.desk.historyFigures?.tasks == 1 }
            for number in 0..<TaskChronicle.Limits().tasks { note("s\(number)", "SUCCESS") }
            #expect(fixture.desk.withChronicle { $0.task("r1") } == nil)
            let answer = try await fixture.desk.cancel(TaskFilter(state: state, name: "long"), limit: 10)
            #expect(answer["ids"] == ["r1"] && answer["more"] == false)
        }
    }

    @Test func aDeadLetterThatGoesBackHasNoEndAnyMore() async throws {
        try await DeskFixture.run { fixture in
            let id = try #require(try await put(["t"], on: "q", fixture).first)
            let popped = try #require(try await fixture.answer("LPOP", "q").bytes)
            _ = try await fixture.desk.ask([command("LPUSH", "q.dead") + [popped]])
            try await fixture.store(["status": "FAILURE", "result": .null, "task_id": .string(id)], of: id)
            #expect(try await fixture.desk.task(id)?["ready"] == true)
            #expect(try await fixture.desk.replay("q", ids: nil, limit: 1) == [id])
            #expect(try await fixture.desk.task(id)?["state"] == "PENDING")
            #expect(try await fixture.desk.cancel(id) == .revoked)
        }
    }

    @Test func theListOfWhatWasCalledOffIsBounded() async throws {
        try await DeskFixture.run { fixture in
            let most = RevocationPolicy().maximum
            for start in stride(from: 0, to: most + 1000, by: 1000) {
                let members = (start..<start + 1000).flatMap { ["\(TaskDesk.nowMilliseconds + 60_000)", "id-\($0)"] }
                _ = try await fixture.desk.ask([command(["ZADD", "martlet.revoked"] + members)])
            }
            _ = try await fixture.answer("ZADD", "martlet.revoked", "1", "long-over")
            #expect(try await fixture.desk.cancel("nobody-knows-it") == .unknown)
            #expect(try await fixture.answer("ZCARD", "martlet.revoked") == .integer(Int64(most)))
            #expect(try await fixture.answer("ZSCORE", "martlet.revoked", "nobody-knows-it") != .null)
            #expect(try await fixture.answer("ZSCORE", "martlet.revoked", "long-over") == .null)
        }
    }
}
