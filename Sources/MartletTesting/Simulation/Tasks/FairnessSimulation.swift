import Glibc
import MartletBase
import MartletLogic

/// How long tasks waited for their results, in hundredths of a mean run.
package struct WaitCounts: Sendable, Equatable {
    /// One more for each hundredth; the last holds all beyond.
    private var buckets = [Int](repeating: 0, count: 10_000)
    package private(set) var count = 0

    package init() {}

    mutating func add(_ runs: Double) {
        buckets[min(max(Int(runs * 100), 0), buckets.count - 1)] += 1
        count += 1
    }

    package static func += (total: inout WaitCounts, one: WaitCounts) {
        for index in total.buckets.indices { total.buckets[index] += one.buckets[index] }
        total.count += one.count
    }

    /// So many per hundred waited no longer, in mean runs.
    package func percentile(_ percent: Double) -> Double {
        var left = Double(count) * percent / 100
        for (index, found) in buckets.enumerated() {
            left -= Double(found)
            if left <= 0 { return Double(index + 1) / 100 }
        }
        return Double(buckets.count) / 100
    }
}

/// One seed's life of some slots behind a ``FairQueue``: many keys bring tasks now and then; in a second life one more
/// key brings a hundred times as many as any of them.
package struct FairnessSimulation {
    private struct Task {
        var key: Int
        var arrival: Double
        var length: Double
    }

    private var random: SplitMix64
    private let slots: Int
    private let keys: Int
    private let names: [String]
    private var calm: [Task] = []
    private var flood: [Task] = []
    /// What the others waited, without the flood and with it.
    package private(set) var alone = WaitCounts()
    package private(set) var flooded = WaitCounts()
    private var problems: [String] = []
    /// How often one key was served more than another while both waited all the time.
    private var leads: [Int] = []

    package init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        slots = 2 + Int(random.next() % 7)
        keys = 8 + Int(random.next() % 9)
        names = (0...keys).map { "k\($0)" }
        // The others ask for half to seven tenths of the slots, all of them together; no key for more than its share.
        let load = 0.5 + 0.2 * unit()
        let rate = load * Double(slots) / Double(keys)
        let end = 60 / (rate * Double(keys))
        for key in 0..<keys { calm += tasks(of: key, rate: rate, until: end) }
        flood = tasks(of: keys, rate: rate * 100, until: end)
    }

    /// Lives both lives; answers what was wrong.
    package mutating func run() -> [String] {
        serve(calm.sorted { ($0.arrival, $0.key) < ($1.arrival, $1.key) }, isFlooded: false)
        serve((calm + flood).sorted { ($0.arrival, $0.key) < ($1.arrival, $1.key) }, isFlooded: true)
        return problems
    }

    private mutating func serve(_ tasks: [Task], isFlooded: Bool) {
        var queue = FairQueue<Task>()
        var free = [Double](repeating: 0, count: slots)
        var waiting = [Int](repeating: 0, count: keys + 1)
        var next = 0
        var served = 0
        leads = [Int](repeating: 0, count: waiting.count * waiting.count)
        while served < tasks.count {
            let slot = free.indices.min { free[$0] < free[$1] } ?? 0
            // A slot that is free before anybody waits is free when somebody comes.
            if queue.isEmpty { free[slot] = max(free[slot], tasks[next].arrival) }
            while next < tasks.count, tasks[next].arrival <= free[slot] {
                queue.add(tasks[next], key: names[tasks[next].key])
                waiting[tasks[next].key] += 1
                next += 1
            }
            guard let task = queue.popFirst() else { return problems.append("somebody waits, and nobody is served") }
            judge(task, waiting)
            waiting[task.key] -= 1
            served += 1
            let end = free[slot] + task.length
            free[slot] = end
            guard task.key < keys else { continue }
            if isFlooded { flooded.add(end - task.arrival) } else { alone.add(end - task.arrival) }
        }
        if !queue.isEmpty { problems.append("somebody was never served") }
    }

    /// While two keys wait without a break, neither is served oftener than the other by more than two and the credit.
    private mutating func judge(_ task: Task, _ waiting: [Int]) {
        for other in waiting.indices where other != task.key && waiting[other] > 0 {
            leads[task.key * waiting.count + other] += 1
            leads[other * waiting.count + task.key] -= 1
            if leads[task.key * waiting.count + other] > 6 {
                problems.append("\(task.key) is served before \(other) again and again")
            }
        }
        guard waiting[task.key] == 1 else { return }
        // Its last one: what comes later is another time.
        for other in waiting.indices {
            leads[task.key * waiting.count + other] = 0
            leads[other * waiting.count + task.key] = 0
        }
    }

    private mutating func tasks(of key: Int, rate: Double, until end: Double) -> [Task] {
        var tasks: [Task] = []
        var time = pause(rate)
        while time < end {
            tasks.append(Task(key: key, arrival: time, length: 0.5 + unit()))
            time += pause(rate)
        }
        return tasks
    }

    /// Until the next of those that come one by one, whenever they like.
    private mutating func pause(_ rate: Double) -> Double { -log(1 - unit()) / rate }

    private mutating func unit() -> Double { Double(random.next() >> 11) / Double(UInt64(1) << 53) }
}
