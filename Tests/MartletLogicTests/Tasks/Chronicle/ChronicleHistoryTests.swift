import MartletLogic
import Testing

@Suite("What is taken from the memory of tasks to be kept, and given back")
struct ChronicleHistoryTests {
    private var chronicle: TaskChronicle

    init() {
        var limits = TaskChronicle.Limits()
        limits.tasks = 3
        chronicle = TaskChronicle(limits: limits, isKept: true)
    }

    private mutating func hear(_ id: String, _ state: String, _ time: Double, name: String? = nil) {
        var news = TaskNews(id: id, state: state, time: time)
        news.name = name
        chronicle.apply(news, now: time)
    }

    private func record(_ number: UInt64, _ id: String, _ state: String = "SUCCESS", since: Double = 1) -> TaskRecord {
        var record = TaskRecord(number: number, id: id, state: state, since: since)
        record.timeline = [.init(state: state, time: since)]
        return record
    }

    private func ids(_ filter: TaskFilter = TaskFilter()) -> [String] {
        chronicle.page(filter, limit: 10).tasks.map(\.id)
    }

    @Test("Each task that changed is taken once, as it is then")
    mutating func taking() {
        hear("a", "RECEIVED", 1)
        hear("b", "RECEIVED", 1)
        hear("a", "STARTED", 2)
        #expect(chronicle.takeUnsaved(10).map { "\($0.id) \($0.state)" } == ["a STARTED", "b RECEIVED"])
        #expect(chronicle.takeUnsaved(10).isEmpty)
        hear("b", "STARTED", 2)
        #expect(chronicle.takeUnsaved(10).map(\.id) == ["b"])
    }

    @Test("Those that will be forgotten first are taken first; what could not be kept is taken again")
    mutating func order() {
        for id in ["a", "b", "c"] { hear(id, "RECEIVED", 1) }
        #expect(chronicle.takeUnsaved(2).map(\.id) == ["a", "b"])
        #expect(chronicle.unsavedCount == 1)
        chronicle.putBack(["a", "b"])
        #expect(chronicle.takeUnsaved(2).map(\.id) == ["a", "b"])
    }

    @Test("What is forgotten before it was taken is counted, and nothing else is")
    mutating func missed() {
        for id in ["a", "b", "c"] { hear(id, "RECEIVED", 1) }
        let taken = chronicle.takeUnsaved(1)
        for id in ["d", "e"] { hear(id, "RECEIVED", 1) }
        #expect(chronicle.missed == 1)
        // Forgotten while it was written.
        chronicle.putBack(taken.map(\.id))
        #expect(chronicle.missed == 2)
        #expect(chronicle.takeUnsaved(10).map(\.id) == ["c", "d", "e"])
    }

    @Test("Who has nobody to keep it notes nothing")
    func notKept() {
        var chronicle = TaskChronicle()
        chronicle.apply(TaskNews(id: "a", state: "STARTED", time: 1), now: 1)
        #expect(chronicle.unsavedCount == 0)
    }

    @Test("A new memory begins with what was kept, and its numbers go on from there")
    mutating func adopting() {
        chronicle.adopt([record(5, "a"), record(7, "b")], last: 9)
        #expect(ids() == ["b", "a"])
        #expect(chronicle.oldest == 5)
        #expect(chronicle.takeUnsaved(10).isEmpty)
        hear("c", "RECEIVED", 2)
        #expect(chronicle.takeUnsaved(10).map(\.number) == [10])
        hear("d", "RECEIVED", 2)
        #expect(ids() == ["d", "c", "b"])
        #expect(chronicle.missed == 0)
    }

    @Test("What became known before the file was there comes after what was kept, and is part of the same task")
    mutating func adoptingLate() {
        hear("b", "STARTED", 20)
        hear("c", "RECEIVED", 20)
        var older = record(4, "b", "PENDING", since: 10)
        older.name = "tasks.add"
        chronicle.adopt([record(2, "x"), record(3, "a"), older], last: 4)
        // Three have room: two from now, and the latest other one.
        #expect(ids() == ["c", "b", "a"])
        #expect(chronicle.takeUnsaved(10).map(\.number) == [5, 6])
        let task = chronicle.task("b")
        #expect(task?.name == "tasks.add")
        #expect(task?.timeline.map(\.state) == ["PENDING", "STARTED"])
        #expect((task?.state, task?.since) == ("STARTED", 20))
    }

    @Test("A file that begins anew gets all that is remembered")
    mutating func adoptingAnew() {
        chronicle.adopt([], last: 100)
        hear("a", "RECEIVED", 1)
        hear("b", "RECEIVED", 1)
        _ = chronicle.takeUnsaved(10)
        chronicle.adopt([], last: 0)
        #expect(chronicle.takeUnsaved(10).map(\.number) == [101, 102])
    }

    @Test("A task that was forgotten and is heard of again is one with what it was")
    mutating func recalling() {
        hear("a", "STARTED", 20)
        _ = chronicle.takeUnsaved(10)
        var older = record(0, "a", "PENDING", since: 10)
        (older.name, older.arguments, older.retries) = ("tasks.add", "(1,)", 2)
        chronicle.recall([older, record(0, "unknown")])
        let task = chronicle.task("a")
        #expect((task?.name, task?.arguments, task?.retries, task?.state) == ("tasks.add", "(1,)", 2, "STARTED"))
        #expect(chronicle.takeUnsaved(10).map(\.name) == ["tasks.add"])
    }

    @Test(
        "Of two lives the end counts, unless it began anew later",
        arguments: [
            ("SUCCESS", 10.0, "RECEIVED", 9.0, "SUCCESS"), ("SUCCESS", 10, "RECEIVED", 11, "RECEIVED"),
            ("STARTED", 10, "SUCCESS", 9, "SUCCESS"), ("STARTED", 10, "RECEIVED", 9, "STARTED"),
            ("SUCCESS", 10, "FAILURE", 9, "FAILURE"), ("PENDING", 10, "STARTED", 10, "STARTED"),
        ])
    func states(older: String, at: Double, newer: String, since: Double, state: String) {
        var former = record(1, "a", older, since: at)
        former.result = "3"
        var task = record(2, "a", newer, since: since)
        task.complete(by: former)
        #expect(task.state == state)
        #expect(task.since == (state == older ? at : since))
        #expect(task.result == (state == older ? "3" : nil))
        #expect(task.timeline.count == 2)
        #expect(task.number == 2)
    }

    @Test("Times of states bound what is looked for")
    mutating func times() {
        for (id, time) in [("a", 1.0), ("b", 2), ("c", 3)] { hear(id, "RECEIVED", time) }
        var filter = TaskFilter()
        filter.from = 2
        #expect(ids(filter) == ["c", "b"])
        filter.until = 3
        #expect(ids(filter) == ["b"])
    }
}
