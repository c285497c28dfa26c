import Foundation
import MartletLogic
import MartletWire
import Testing

@testable import MartletTasks

@Suite("What the desk remembers through a restart")
struct DeskHistoryTests {
    private func inFolder(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-desk-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.appending(path: "tasks/history.sqlite"))
    }

    private func ids(_ page: JSONValue) -> [String] {
        guard case .array(let tasks)? = page["tasks"] else { return [] }
        return tasks.compactMap { $0["id"]?.plainText }
    }

    @Test("Events and what was done here are there again, one by one and in lists, whatever became of the broker")
    func restart() async throws {
        try await inFolder { file in
            try await DeskFixture.run(history: file, isRunning: true) { fixture in
                let now = TaskDesk.now
                // Nobody may listen yet.
                try await eventually("events") {
                    for (type, age) in [("task-received", 2.0), ("task-started", 1), ("task-succeeded", 0)] {
                        try await fixture.publish([
                            "type": .string(type), "uuid": "t1", "timestamp": .number(now - age),
                            "hostname": "celery@h", "name": "tasks.translate", "args": "('你好',)",
                            "result": "'hello'", "runtime": .number(0.5),
                        ])
                    }
                    return fixture.desk.withChronicle { $0.task("t1")?.timeline.count } == 3
                }
                let second = TaskNews(id: "t2", state: TaskState.revoked, time: now)
                fixture.desk.note(second)
            }
            try await DeskFixture.run(history: file) { fixture in
                #expect(fixture.desk.historyFigures?.tasks == 2)
                let task = try #require(try await fixture.desk.task("t1"))
                #expect(task["state"] == "SUCCESS" && task["ready"] == true && task["result"] == "'hello'")
                #expect(task["args"] == "('你好',)" && task["worker"] == "celery@h")
                let steps = try #require(await fixture.desk.history?.task("t1")).timeline
                #expect(steps.map(\.state) == ["RECEIVED", "STARTED", "SUCCESS"])
                let all = try await fixture.desk.tasks(TaskFilter(), limit: 10)
                #expect(ids(all) == ["t2", "t1"])
                var filter = TaskFilter()
                filter.text = "你好"
                let some = try await fixture.desk.tasks(filter, limit: 10)
                #expect(ids(some) == ["t1"])
                #expect(try await fixture.desk.cancel("t1") == .tooLate)
            }
            try await DeskFixture.run { fixture in
                let task = try await fixture.desk.task("t1")
                #expect(task == nil)
                #expect(fixture.desk.historyFigures == nil)
            }
        }
    }

    @Test("What memory has no room for is found in the file")
    func beyondMemory() async throws {
        try await inFolder { file in
            let count = TaskChronicle.Limits().tasks + 500
            try await DeskFixture.run(history: file, isRunning: true) { fixture in
                let desk = fixture.desk
                for number in 1...count {
                    var news = TaskNews(id: "t\(number)", state: TaskState.success, time: TaskDesk.now)
                    news.name = number <= 100 ? "early" : "late"
                    desk.note(news)
                    if number % 2000 == 0 || number == count {
                        try await eventually("writing") { desk.withChronicle { $0.unsavedCount } == 0 }
                    }
                }
                #expect(desk.withChronicle { $0.task("t1") } == nil)
                #expect(try await desk.task("t1")?["name"] == "early")
                var found: [String] = []
                var before: UInt64?
                repeat {
                    let page = try await desk.tasks(TaskFilter(name: "early"), before: before, limit: 30)
                    found += ids(page)
                    before = page["next"]?.plainText.flatMap { UInt64($0) }
                } while before != nil
                #expect(found == (1...100).reversed().map { "t\($0)" })
            }
        }
    }
}
