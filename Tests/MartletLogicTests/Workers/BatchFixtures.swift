import MartletBase
import MartletLogic

extension BatchPolicy {
    static func with(_ change: (inout BatchPolicy) -> Void) -> BatchPolicy {
        var policy = BatchPolicy()
        change(&policy)
        return policy
    }
}

extension BatchItem {
    /// An item with a number for a name.
    static func number(
        _ number: UInt64, _ priority: PriorityClass = .interactive, bytes: Int = 0, weight: Int = 1,
        deadline: Instant = .never
    ) -> BatchItem {
        BatchItem(id: ItemID(number), bytes: bytes, weight: weight, priority: priority, deadline: deadline)
    }
}

extension BatchAction {
    /// What a driver is told to send, in plain numbers.
    static func send(_ worker: Int, _ batch: UInt64, _ items: UInt64...) -> BatchAction {
        .send(WorkerNumber(worker), batch: batch, items.map { ItemID($0) })
    }
}

/// A machine, and a clock that goes from event to event.
struct Group {
    var machine: BatchMachine
    private(set) var now = 0.0

    /// A group with workers 0, 1, …, all alike.
    init(
        workers: Int = 1, maxBatch: Int = 1, concurrent: Int = 1, _ change: (inout BatchPolicy) -> Void = { _ in }
    ) {
        machine = BatchMachine(policy: .with(change))
        machine.impossible.isStrict = true
        for number in 0..<workers { ready(number, maxBatch: maxBatch, concurrent: concurrent) }
    }

    @discardableResult
    mutating func ready(_ worker: Int, maxBatch: Int = 1, concurrent: Int = 1) -> [BatchAction] {
        machine.ready(
            WorkerNumber(worker), WorkerCapacity(maxBatch: maxBatch, concurrent: concurrent), now: at(now))
    }

    @discardableResult
    mutating func arrive(_ item: BatchItem, at seconds: Double? = nil) -> [BatchAction] {
        now = seconds ?? now
        return machine.arrived(item, now: at(now))
    }

    @discardableResult
    mutating func arrive(_ numbers: ClosedRange<UInt64>, at seconds: Double? = nil) -> [BatchAction] {
        numbers.flatMap { arrive(.number($0), at: seconds) }
    }

    @discardableResult
    mutating func finish(
        _ numbers: UInt64..., as outcome: ItemOutcome = .answered, at seconds: Double? = nil
    ) -> [BatchAction] {
        now = seconds ?? now
        return numbers.flatMap { machine.finished(ItemID($0), outcome, now: at(now)) }
    }

    @discardableResult
    mutating func cancel(_ number: UInt64, at seconds: Double? = nil) -> [BatchAction] {
        now = seconds ?? now
        return machine.cancel(ItemID(number), now: at(now))
    }

    mutating func gone(_ worker: Int, at seconds: Double? = nil) -> [BatchAction] {
        now = seconds ?? now
        return machine.gone(WorkerNumber(worker), now: at(now))
    }

    mutating func wake(at seconds: Double) -> [BatchAction] {
        now = seconds
        return machine.woken(now: at(now))
    }

    /// Single items come and are answered, one after the other, each after so many seconds: the pace of the group.
    mutating func settle(after seconds: Double, times: UInt64 = 20) {
        for number in 0..<times {
            arrive(.number(1_000_000 + number))
            finish(1_000_000 + number, at: now + seconds)
        }
    }
}

extension BatchAction {
    var isWake: Bool { if case .wake = self { true } else { false } }
}
