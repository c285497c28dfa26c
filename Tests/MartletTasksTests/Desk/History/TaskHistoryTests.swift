import Foundation
import Logging
import MartletLogic
import MartletStore
import Synchronization
import Testing

@testable import MartletTasks

@Suite("The history of the desk")
struct TaskHistoryTests {
    @Test("What was heard is there after a restart, memory and file as one list")
    func restart() async throws {
        try await HistoryFixture.run { fixture in
            let first = FakeMemory(tasks: 10)
            try await fixture.running(first) { _ in
                for number in 1...25 {
                    first.hear("t\(number)", "STARTED", Double(number), name: "tasks.翻译")
                    if number % 5 == 0 { first.hear("t\(number)", "SUCCESS", 100) }
                    // More than memory holds would be missed otherwise.
                    if number % 10 == 0 { try await fixture.until { first.unsaved == 0 } }
                }
            }
            let second = FakeMemory(tasks: 5)
            try await fixture.running(second) { history in
                #expect(second.count == 5)
                #expect(history.figures.tasks == 25)
                second.hear("new", "STARTED", 200, name: "tasks.翻译")
                let ids = try await fixture.ids(history, second, limit: 4)
                #expect(ids == ["new"] + (1...25).reversed().map { "t\($0)" })
                var filter = TaskFilter()
                filter.text = "翻译"
                #expect(try await fixture.ids(history, second, filter, limit: 3) == ids)
                filter = TaskFilter(state: "SUCCESS")
                #expect(try await fixture.ids(history, second, filter, limit: 2).count == 5)
                #expect(try await history.task("t25")?.timeline.map(\.state) == ["STARTED", "SUCCESS"])
                #expect(try await history.task("T25") == nil)
            }
        }
    }

    @Test("A page that ends where memory does says whether there is more")
    func edge() async throws {
        try await HistoryFixture.run { fixture in
            let memory = FakeMemory(tasks: 3)
            try await fixture.running(memory) { history in
                for number in 1...3 { memory.hear("t\(number)", "STARTED", 1) }
                try await fixture.written(3, history)
                for number in 4...6 { memory.hear("t\(number)", "STARTED", 1) }
                let page = try await history.page(TaskFilter(), before: nil, limit: 3, memory)
                #expect(page.tasks.map(\.id) == ["t6", "t5", "t4"])
                let next = try #require(page.next)
                let last = try await history.page(TaskFilter(), before: next, limit: 3, memory)
                #expect(last.tasks.map(\.id) == ["t3", "t2", "t1"])
                #expect(last.next == nil)
            }
        }
    }

    @Test("A task that memory had forgotten is whole again when it is heard of")
    func recall() async throws {
        try await HistoryFixture.run { fixture in
            let memory = FakeMemory(tasks: 2)
            try await fixture.running(memory) { history in
                memory.hear("a", "PENDING", 1, name: "tasks.add")
                try await fixture.written(1, history)
                memory.hear("b", "PENDING", 2)
                memory.hear("c", "PENDING", 3)
                #expect(memory.task("a") == nil)
                try await fixture.written(3, history)
                memory.hear("a", "SUCCESS", 4)
                try await fixture.until { memory.task("a")?.name == "tasks.add" }
                #expect(memory.task("a")?.timeline.map(\.state) == ["PENDING", "SUCCESS"])
                #expect(try await fixture.ids(history, memory, limit: 1) == ["a", "c", "b"])
            }
        }
    }

    @Test("A file that is no history is moved aside with one line, and begun anew")
    func damaged() async throws {
        try await HistoryFixture.run { fixture in
            try Data("not a database, and never was one".utf8).write(to: fixture.file)
            let memory = FakeMemory(tasks: 10)
            try await fixture.running(memory) { history in
                memory.hear("a", "SUCCESS", 1)
                try await fixture.written(1, history)
                #expect(try await fixture.ids(history, memory, limit: 5) == ["a"])
            }
            #expect(fixture.lines == ["a damaged history of tasks was moved aside"])
            #expect(FileManager.default.fileExists(atPath: fixture.file.path + HistoryFile.asideSuffix))
        }
    }

    @Test("Damage that shows while it runs is moved aside, and what memory has is written anew")
    func damagedLater() async throws {
        try await HistoryFixture.run { fixture in
            let place = FakePlace()
            let memory = FakeMemory(tasks: 10)
            try await fixture.running(memory, place) { history in
                memory.hear("a", "SUCCESS", 1)
                try await fixture.written(1, history)
                place.refuse(with: .damaged("malformed"), times: 1)
                #expect(try await history.task("x") == nil)
                try await fixture.until { place.kept == ["a", "a"] }
                #expect(place.movedAside == 1)
            }
            #expect(fixture.lines == ["a damaged history of tasks was moved aside"])
        }
    }

    @Test("A full disk is one line and a number; tasks go on and are written when there is room")
    func full() async throws {
        try await HistoryFixture.run { fixture in
            let place = FakePlace()
            let memory = FakeMemory(tasks: 10)
            place.refuse(with: .full("database or disk is full"), times: 3)
            try await fixture.running(memory, place) { history in
                memory.hear("a", "SUCCESS", 1)
                try await fixture.until { history.figures.failures == 3 }
                #expect(memory.task("a") != nil)
                try await fixture.written(1, history)
                #expect(place.kept == ["a"])
            }
            #expect(fixture.lines == ["the history of tasks is not kept for now", "the history of tasks is kept again"])
        }
    }

    @Test("A file that another process has is tried again")
    func locked() async throws {
        try await HistoryFixture.run { fixture in
            let other = try await HistoryFile.open(fixture.file.path, latest: 1).file
            let memory = FakeMemory(tasks: 10)
            try await fixture.running(memory) { history in
                memory.hear("a", "SUCCESS", 1)
                try await fixture.until { history.figures.failures > 0 }
                #expect(try await fixture.ids(history, memory, limit: 5) == ["a"])
                await other.close()
                try await fixture.written(1, history)
            }
        }
    }

    @Test("A disk that stands still holds nobody up: what it misses is counted, memory stays bounded")
    func slow() async throws {
        try await HistoryFixture.run { fixture in
            let place = FakePlace()
            let memory = FakeMemory(tasks: 100)
            try await fixture.running(memory, place) { history in
                memory.hear("first", "STARTED", 1)
                place.stop()
                memory.hear("first", "SUCCESS", 2)
                try await fixture.until { place.isWaiting }
                let begun = ContinuousClock.now
                for number in 1...5000 { memory.hear("t\(number)", "STARTED", Double(number)) }
                #expect(begun.duration(to: .now) < .seconds(30))
                #expect(memory.count == 100)
                #expect(memory.missed >= 4900)
                let page = try await history.page(TaskFilter(), before: nil, limit: 1, memory)
                #expect(page.tasks.map(\.id) == ["t5000"])
                place.goOn()
                try await fixture.until { place.kept.contains("t5000") }
            }
        }
    }

    @Test("What is old, and what is too much, goes")
    func retention() async throws {
        try await HistoryFixture.run { fixture in
            var policy = HistoryFixture.quick
            policy.tasks = 20
            let memory = FakeMemory(tasks: 1000)
            try await fixture.running(memory, policy: policy) { history in
                for number in 1...50 { memory.hear("t\(number)", "STARTED", 0) }
                memory.hear("old", "SUCCESS", -8 * 86_400)
                try await fixture.until { history.figures.written >= 51 && history.figures.tasks == 20 }
                #expect(try await history.task("t50") != nil)
                #expect(try await history.task("t1") == nil)
                #expect(try await history.task("old") == nil)
            }
        }
    }
}
