import MartletWire
import Testing

@testable import Martlet

/// Answers what a server or a broker would.
private struct FakeWay: TaskWay {
    var entries: JSONValue = []
    var leader: JSONValue = .null

    func cron() async throws -> JSONValue { ["leader": leader, "entries": entries] }
    func runCron(_ name: String) async throws -> JSONValue? { name == "report" ? ["id": "1"] : nil }

    func submit(_ body: JSONValue) async throws -> JSONValue { throw TaskMistake("") }
    func task(_ id: String, wait: Duration?) async throws -> JSONValue? { nil }
    func cancel(_ id: String, terminate: Bool) async throws -> JSONValue { throw TaskMistake("") }
    func replay(_ queue: String, _ order: JSONValue) async throws -> JSONValue { throw TaskMistake("") }
    func cancel(state: String?, name: String?, queue: String?, terminate: Bool) async throws -> JSONValue {
        throw TaskMistake("")
    }
    func list(state: String?, name: String?, queue: String?, limit: Int) async throws -> JSONValue {
        throw TaskMistake("")
    }
}

@Suite("What the command line says of tasks")
struct TaskToolTests {
    @Test("Entries of cron have a line each, below who leads")
    func cron() async throws {
        var way = FakeWay()
        #expect(try await TaskTool(way, isJSON: false).cron() == "none")
        way.entries = [
            [
                "name": "report", "schedule": "every 30s", "timezone": "UTC", "task": "tasks.report", "queue": "q",
                "last_run": .null, "next_run": "2026-11-22T08:00:00Z",
            ]
        ]
        let line = "report  every 30s  UTC  tasks.report  q  last: -  next: 2026-11-22T08:00:00Z"
        #expect(try await TaskTool(way, isJSON: false).cron() == "nobody leads\n\(line)")
        way.leader = "here:1"
        #expect(try await TaskTool(way, isJSON: false).cron() == "led by here:1\n\(line)")
        #expect(try await TaskTool(way, isJSON: true).cron().hasPrefix("{"))
    }

    @Test("An entry that is handed in is told by its task's id; one that is not there is a mistake")
    func runCron() async throws {
        #expect(try await TaskTool(FakeWay(), isJSON: false).runCron("report") == "1")
        await #expect(throws: TaskMistake.self) { try await TaskTool(FakeWay(), isJSON: false).runCron("other") }
    }
}
