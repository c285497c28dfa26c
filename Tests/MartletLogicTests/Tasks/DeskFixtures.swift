import MartletBase
import MartletLogic

/// So many seconds after a start that is not zero, on both clocks.
func time(_ seconds: Double) -> TaskTime {
    TaskTime(at(seconds), wall: wall(seconds))
}

/// The same in milliseconds since 1970.
func wall(_ seconds: Double) -> Int64 { 1_700_000_000_000 + Int64(seconds * 1000) }

extension TaskArrival {
    /// A message with a number for an id.
    static func number(_ number: UInt64, name: String = "add", _ change: (inout TaskArrival) -> Void = { _ in })
        -> TaskArrival
    {
        var arrival = TaskArrival(id: DeliveryID(number), task: "t\(number)", name: name, queue: "a")
        change(&arrival)
        return arrival
    }
}

extension TaskRules {
    static func add(_ change: (inout TaskRules) -> Void = { _ in }) -> TaskRules {
        var rules = TaskRules(name: "add")
        change(&rules)
        return rules
    }
}

extension WorkerDesk {
    /// A desk that knows `add` and `other`, consumes `a`, takes nothing ahead of time and has long leases.
    static func with(
        slots: Int = 1, queues: [String] = ["a"], rules: TaskRules = .add(),
        _ change: (inout DeskPolicy) -> Void = { _ in }
    ) -> WorkerDesk {
        var policy = DeskPolicy()
        policy.slots = slots
        policy.ahead = .zero
        policy.lease = .seconds(100_000)
        change(&policy)
        var desk = WorkerDesk(policy: policy, queues: queues, rules: [rules, TaskRules(name: "other")])
        desk.impossible.isStrict = true
        return desk
    }

    /// Takes these, whatever was asked for.
    mutating func take(_ arrivals: [TaskArrival], at seconds: Double) -> [DeskAction] {
        let pull = pull(now: time(seconds)) ?? DeskPull(count: 0, queues: queues, askedAt: at(seconds))
        return pulled(arrivals, of: pull, now: time(seconds))
    }

    /// Takes one and runs it; it must be run at once.
    mutating func run(_ arrival: TaskArrival, at seconds: Double) -> Bool {
        let actions = take([arrival], at: seconds)
        started(arrival.id, now: time(seconds))
        return actions == [.run(arrival.id)]
    }
}

extension DeliveryID: ExpressibleByIntegerLiteral {
    init(integerLiteral value: UInt64) { self.init(value) }
}
