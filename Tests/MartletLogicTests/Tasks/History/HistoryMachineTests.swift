import MartletLogic
import Testing

@Suite("When the history of tasks is written, and what is forgotten")
struct HistoryMachineTests {
    private var policy = HistoryPolicy()
    private var machine: HistoryMachine

    init() {
        policy.tasks = 1000
        policy.batch = 100
        policy.pruneStep = 10
        machine = HistoryMachine(policy)
    }

    private func prune(_ step: Int) -> HistoryMachine.Action {
        .prune(age: policy.age, keeping: 1000, atMost: step)
    }

    @Test("It opens, writes what waits at once and then once in a round, or as soon as a batch is full")
    mutating func writing() {
        #expect(machine.next(waiting: 5, now: 0) == .open)
        #expect(machine.opened(count: 0, now: 0) == .none)
        #expect(machine.next(waiting: 5, now: 0) == .write(100))
        #expect(machine.wrote(5, count: 5, now: 0) == .none)
        #expect(machine.next(waiting: 1, now: 0.1) == prune(10))
        _ = machine.pruned(0, count: 5, now: 0.1)
        #expect(machine.next(waiting: 1, now: 0.1) == .rest(0.2))
        #expect(machine.next(waiting: 100, now: 0.1) == .write(100))
        #expect(machine.next(waiting: 1, now: 0.2) == .write(100))
        #expect(machine.next(waiting: 0, now: 0.2) == .rest(0.2))
    }

    @Test("It looks for what is too old now and then, and in each round while there is more")
    mutating func age() {
        _ = machine.opened(count: 50, now: 0)
        #expect(machine.next(waiting: 0, now: 0) == prune(10))
        _ = machine.pruned(10, count: 40, now: 0)
        #expect(machine.next(waiting: 0, now: 0.1) == .rest(0.1))
        #expect(machine.next(waiting: 0, now: 0.2) == prune(10))
        _ = machine.pruned(0, count: 40, now: 0.2)
        #expect(machine.next(waiting: 0, now: 60) == .rest(0.2))
        #expect(machine.next(waiting: 0, now: 61) == prune(10))
    }

    @Test("Beyond the count as many go as come, also while every batch is full")
    mutating func count() {
        _ = machine.opened(count: 1000, now: 0)
        var count = 1000
        var highest = 0
        for turn in 0..<100 {
            let now = Double(turn) * 0.05
            switch machine.next(waiting: 100, now: now) {
            case .write(let limit):
                count += limit
                _ = machine.wrote(limit, count: count, now: now)
            case .prune(_, let keeping, let step):
                let gone = min(step, max(0, count - keeping))
                count -= gone
                _ = machine.pruned(gone, count: count, now: now)
            default: Issue.record("it rests")
            }
            highest = max(highest, count)
        }
        #expect(highest <= 1000 + 2 * policy.batch)
    }

    @Test("What failed is tried again later each time, and is told once, as its end is")
    mutating func trouble() {
        _ = machine.opened(count: 0, now: 0)
        #expect(machine.failed(now: 0) == .trouble)
        #expect(machine.next(waiting: 5, now: 0.5) == .rest(0.5))
        #expect(machine.next(waiting: 5, now: 1) == .write(100))
        #expect(machine.failed(now: 1) == .known)
        #expect(machine.next(waiting: 5, now: 1) == .rest(2))
        for _ in 0..<20 { #expect(machine.failed(now: 10) == .known) }
        #expect(machine.next(waiting: 5, now: 10) == .rest(60))
        #expect(machine.wrote(5, count: 5, now: 70) == .over)
        #expect(machine.wrote(5, count: 5, now: 71) == .none)
        #expect(machine.failed(now: 80) == .trouble)
        #expect(machine.next(waiting: 5, now: 80) == .rest(1))
    }

    @Test("A file that cannot be opened is tried again")
    mutating func shut() {
        #expect(machine.failed(now: 0) == .trouble)
        #expect(machine.next(waiting: 0, now: 0) == .rest(1))
        #expect(machine.next(waiting: 0, now: 1) == .open)
        #expect(machine.opened(count: 0, now: 1) == .over)
    }

    @Test("A damaged one begins anew at once, but not over and over")
    mutating func damage() {
        _ = machine.opened(count: 0, now: 0)
        #expect(machine.damaged(now: 5) == .trouble)
        #expect(machine.next(waiting: 5, now: 5) == .open)
        #expect(machine.opened(count: 0, now: 5) == .none)
        #expect(machine.damaged(now: 6) == .trouble)
        #expect(machine.next(waiting: 5, now: 6) == .rest(1))
        #expect(machine.next(waiting: 5, now: 7) == .open)
        #expect(machine.opened(count: 0, now: 7) == .over)
    }
}
