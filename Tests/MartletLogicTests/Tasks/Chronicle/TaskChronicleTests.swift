import MartletLogic
import Testing

@Suite("What is remembered of tasks")
struct TaskChronicleTests {
    private var chronicle = TaskChronicle()

    private func news(_ id: String, _ state: String, _ time: Double, worker: String? = "w@h") -> TaskNews {
        TaskNews(id: id, state: state, time: time, worker: worker)
    }

    @Test("A task's life is told in the order of its times, whatever order it was heard in")
    mutating func order() throws {
        chronicle.apply(news("a", TaskState.started, 2), now: 2)
        var first = news("a", TaskState.received, 1)
        first.name = "tasks.add"
        first.arguments = "(1, 2)"
        chronicle.apply(first, now: 2)
        var end = news("a", TaskState.success, 3)
        end.result = "3"
        end.runtime = 0.5
        chronicle.apply(end, now: 3)
        let task = try #require(chronicle.task("a"))
        #expect(task.timeline.map(\.state) == ["RECEIVED", "STARTED", "SUCCESS"])
        #expect((task.state, task.name, task.arguments, task.result) == ("SUCCESS", "tasks.add", "(1, 2)", "3"))
        #expect(task.runtime == 0.5)
    }

    @Test("What is over stays over when older news come late, and begins anew when younger ones do")
    mutating func late() {
        chronicle.apply(news("a", TaskState.success, 5), now: 5)
        chronicle.apply(news("a", TaskState.started, 4), now: 6)
        #expect(chronicle.task("a")?.state == "SUCCESS")
        chronicle.apply(news("a", TaskState.started, 5), now: 6)
        #expect(chronicle.task("a")?.state == "SUCCESS")
        chronicle.apply(news("a", TaskState.received, 7), now: 7)
        #expect(chronicle.task("a")?.state == "RECEIVED")
        #expect(chronicle.task("a")?.result == nil)
    }

    @Test("An end of the same moment wins over a beginning")
    mutating func sameMoment() {
        chronicle.apply(news("a", TaskState.started, 5), now: 5)
        chronicle.apply(news("a", TaskState.failure, 5), now: 5)
        #expect(chronicle.task("a")?.state == "FAILURE")
    }

    @Test("The latest tasks are kept, and pages go on where the page before ended")
    mutating func pages() {
        var limits = TaskChronicle.Limits()
        limits.tasks = 10
        chronicle = TaskChronicle(limits: limits)
        for number in 0..<25 { chronicle.apply(news("\(number)", TaskState.received, Double(number)), now: 0) }
        #expect(chronicle.task("14") == nil)
        let first = chronicle.page(TaskFilter(), limit: 4)
        #expect(first.tasks.map(\.id) == ["24", "23", "22", "21"])
        // What comes meanwhile moves nothing.
        chronicle.apply(news("x", TaskState.received, 30), now: 0)
        let second = chronicle.page(TaskFilter(), before: first.next, limit: 4)
        #expect(second.tasks.map(\.id) == ["20", "19", "18", "17"])
        let third = chronicle.page(TaskFilter(), before: second.next, limit: 4)
        #expect(third.tasks.map(\.id) == ["16"] && third.next == nil)
    }

    @Test("Filters: state, part of a name, queue, worker, and a text anywhere")
    mutating func filters() {
        for (number, name) in ["tasks.add", "tasks.mul", "other.add"].enumerated() {
            var one = news("id-\(number)", number == 1 ? TaskState.failure : TaskState.success, 1, worker: "w\(number)")
            one.name = name
            one.queue = "q\(number)"
            one.arguments = "('Hello \(number)',)"
            chronicle.apply(one, now: 1)
        }
        func found(_ filter: TaskFilter) -> [String] { chronicle.page(filter, limit: 9).tasks.map(\.id).sorted() }
        #expect(found(TaskFilter(state: "FAILURE")) == ["id-1"])
        #expect(found(TaskFilter(name: "add")) == ["id-0", "id-2"])
        #expect(found(TaskFilter(queue: "q2")) == ["id-2"])
        #expect(found(TaskFilter(worker: "w0")) == ["id-0"])
        var text = TaskFilter()
        text.text = "hello 1"
        #expect(found(text) == ["id-1"])
        text.text = "ID-2"
        #expect(found(text) == ["id-2"])
    }

    @Test("Texts and timelines have an end, and a cut text is whole characters")
    mutating func bounds() throws {
        var one = news("a", TaskState.failure, 1)
        one.result = String(repeating: "é", count: 5000)
        one.traceback = String(repeating: "x", count: 100_000)
        chronicle.apply(one, now: 1)
        for number in 0..<100 { chronicle.apply(news("a", TaskState.retry, Double(10 + number)), now: 1) }
        let task = try #require(chronicle.task("a"))
        #expect(task.traceback?.utf8.count ?? 0 < 20_000)
        #expect(task.result?.hasSuffix("é…") == true)
        #expect(task.timeline.count == 32)
        #expect(task.timeline.first?.state == "FAILURE" && task.timeline.last?.time == 109)
    }

    @Test("A worker is alive for twice its interval after it was heard, and knows its tasks")
    mutating func workers() {
        var beat = WorkerNews(.heartbeat, name: "w@h", time: 100)
        beat.interval = 2
        beat.active = 3
        chronicle.apply(beat, now: 100)
        chronicle.apply(news("a", TaskState.started, 100), now: 100)
        #expect(chronicle.workers.first?.current == ["a"])
        #expect(chronicle.workers.first?.isAlive(now: 104.9) == true)
        #expect(chronicle.workers.first?.isAlive(now: 105.1) == false)
        chronicle.apply(news("a", TaskState.success, 101), now: 101)
        #expect(chronicle.workers.first?.current == [])
        chronicle.apply(WorkerNews(.offline, name: "w@h", time: 102), now: 102)
        #expect(chronicle.workers.first?.isAlive(now: 102) == false)
    }

    @Test("A queue's pace is that of the last minute")
    mutating func pace() {
        for number in 0..<30 {
            var sent = news("\(number)", TaskState.pending, 1000, worker: nil)
            sent.queue = "q"
            chronicle.apply(sent, now: 1000)
            chronicle.apply(news("\(number)", TaskState.started, 1002), now: 1002)
            var end = news("\(number)", number < 10 ? TaskState.failure : TaskState.success, 1003)
            end.runtime = 1
            chronicle.apply(end, now: 1003)
            // The same end, told twice, is one.
            chronicle.apply(end, now: 1003)
        }
        let pace = chronicle.pace(of: "q", now: 1010)
        #expect(pace.rate == 0.5 && pace.latency == 2 && pace.runtime == 1)
        #expect(abs(pace.failureRate - 10.0 / 60) < 1e-9)
        #expect(chronicle.pace(of: "q", now: 1100).rate == 0)
    }
}
