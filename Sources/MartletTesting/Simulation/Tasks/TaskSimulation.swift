import MartletBase
import MartletLogic

/// One seed's life of task workers and their broker in simulated time: workers that are killed, stopped and cut off,
/// that drain, grow and shrink; tasks that fail, hang, kill their process, wait for their time, are revoked; answers
/// that are late or never come.
///
/// Each ``WorkerDesk`` decides; the simulation drives it as a worker does, and its ``TaskBooks`` note whatever
/// disagrees: a task with two results or none, a result of a lease that was lost, a slot too many. The same seed lives
/// the same life.
package struct TaskSimulation {
    var random: SplitMix64
    var now = TaskTime(Instant(nanoseconds: 1_000_000_000_000), wall: 1_700_000_000_000)
    var broker: SimulatedBroker
    var books: TaskBooks
    var workers: [SimulatedTaskWorker] = []
    let policy: DeskPolicy
    private var lastTag = 0
    /// No more faults, no more tasks: everything is to end.
    private var isResting = false
    private let steps = 160
    static let queues = ["a", "b"]

    package init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        var policy = DeskPolicy()
        policy.slots = draw(4) + 1
        policy.prefetch = draw(4) == 0 ? 3 : 1
        policy.ahead = [.zero, .milliseconds(50), .seconds(5)][draw(3)]
        policy.maximumAhead = 8
        policy.maximumScheduled = [1, 5, 1000][draw(3)]
        policy.maximumBlocked = [2, 1000][draw(2)]
        policy.maximumDeliveries = draw(4) + 2
        policy.hardLimit = 40
        policy.outlivesSilence = draw(4) == 0
        policy.seed = random.next()
        self.policy = policy
        self.random = random
        broker = SimulatedBroker(lease: policy.lease)
        books = TaskBooks(maximumDeliveries: policy.maximumDeliveries)
        for _ in 0..<3 { addWorker() }
    }

    package var met: TaskCounts { books.met }

    /// Lives the life to its end; answers what was wrong with it.
    package mutating func run() -> [String] {
        for _ in 0..<steps where books.problems.isEmpty { step() }
        rest()
        return books.problems
    }

    private mutating func step() {
        pass()
        switch draw(100) {
        case 0..<22: for _ in 0...draw(4) { send() }
        case 22..<82: work(draw(workers.count))
        case 82..<86: revoke()
        case 86: kill(draw(workers.count))
        case 87: workers[draw(workers.count)].pausedUntil = now.instant + .seconds(draw(70))
        case 88..<90: workers[draw(workers.count)].cutUntil = now.instant + .seconds(draw(70))
        case 90: drain(draw(workers.count))
        case 91..<94: resize(draw(workers.count))
        case 94: changeQueues(draw(workers.count))
        case 95: changeRules(draw(workers.count))
        case 96: wake(draw(workers.count))
        default: for index in workers.indices { work(index) }
        }
        for worker in workers { books.audit(worker) }
    }

    /// Time goes by, and brings the wake-ups that were asked for, a little late.
    private mutating func pass() {
        let milliseconds = isResting ? 1500 : oneIn(30) ? draw(4000) : draw(700)
        now = TaskTime(now.instant + .milliseconds(milliseconds), wall: now.wall + Int64(milliseconds))
        for index in workers.indices {
            if let until = workers[index].cutUntil, until <= now.instant { workers[index].cutUntil = nil }
            if let until = workers[index].pausedUntil, until <= now.instant {
                workers[index].pausedUntil = nil
                // What a process does first when it goes on: its timer is due.
                wake(index)
            }
            if workers[index].wakeAt <= now.instant { wake(index) }
        }
        broker.pass(now: now)
    }

    // MARK: Tasks

    private mutating func send() {
        let task = books.tasks.count
        let names = ["plain", "plain", "plain", "early", "rated", "keyed", "keyed", "unknown", "joint", "shared"]
        let name = names[draw(names.count)]
        let nature = oneIn(2) ? TaskNature.succeeds : TaskNature.allCases[draw(TaskNature.allCases.count)]
        books.tasks.append(TaskBooks.Task(nature: nature, name: name))
        books.met.tasks += 1
        var message = message(of: task, name: name, queue: Self.queues[draw(2)])
        message.priority = oneIn(4) ? draw(10) : 0
        message.key = oneIn(2) ? "k\(draw(3))" : nil
        if oneIn(5) { message.eta = now.wall + Int64(draw(90_000)) }
        if oneIn(8) { message.expires = now.wall + Int64(draw(60_000)) }
        if oneIn(8) { message.hardLimit = Double(draw(20) + 1) }
        broker.put(message)
    }

    mutating func message(of task: Int, name: String, queue: String) -> SimulatedMessage {
        lastTag += 1
        return SimulatedMessage(tag: lastTag, task: task, name: name, queue: queue)
    }

    private mutating func revoke() {
        guard !books.tasks.isEmpty else { return }
        let task = draw(books.tasks.count)
        let isTerminating = oneIn(2)
        books.tasks[task].isRevoked = true
        // Those that do not hear it are told by the broker when they come back: here, never.
        for index in workers.indices where workers[index].pausedUntil == nil && workers[index].cutUntil == nil {
            apply(workers[index].desk.revoke(["t\(task)"], terminate: isTerminating, now: now), index)
        }
    }

    // MARK: Workers

    private mutating func addWorker() {
        var rules = ["plain", "early", "rated", "keyed", "joint", "shared"].map { TaskRules(name: $0) }
        for index in rules.indices {
            rules[index].retry.base = .seconds(2)
            rules[index].acksLate = rules[index].name != "early"
            rules[index].rateLimit = rules[index].name == "rated" ? RateLimit(30, per: .minute) : nil
            rules[index].batch =
                rules[index].name == "joint" ? BatchRule(size: TaskBooks.batchSize, timeout: .seconds(2)) : nil
            rules[index].keyConcurrency = rules[index].name == "keyed" ? 1 : nil
        }
        let desk = WorkerDesk(policy: policy, queues: Self.queues, rules: rules)
        workers.append(SimulatedTaskWorker(desk: desk, bornAt: now.instant))
        pull(workers.count - 1)
    }

    /// The process is gone, with all that it had. What it had said may still arrive.
    private mutating func kill(_ index: Int) {
        for flight in workers[index].flights.indices where oneIn(2) { hear(flight, of: index) }
        workers.remove(at: index)
        books.met.deaths += 1
        addWorker()
    }

    private mutating func drain(_ index: Int) {
        guard isWell(workers[index]), !workers[index].desk.isDraining else { return }
        books.met.drains += 1
        apply(workers[index].desk.drain(until: now.instant + .seconds(draw(20)), now: now), index)
    }

    private mutating func resize(_ index: Int) {
        guard isWell(workers[index]) else { return }
        switch draw(3) {
        case 0: apply(workers[index].desk.grow(by: draw(3), now: now).1, index)
        case 1: _ = workers[index].desk.shrink(by: draw(3))
        default: apply(workers[index].desk.resize(to: draw(5), now: now), index)
        }
    }

    private mutating func changeQueues(_ index: Int) {
        let queue = Self.queues[draw(2)]
        if !workers[index].desk.stopConsuming(queue) { _ = workers[index].desk.consume(queue) }
    }

    private mutating func changeRules(_ index: Int) {
        guard isWell(workers[index]) else { return }
        if oneIn(2) {
            // As it was: what waited for its rate moves on by it all the same.
            let actions = workers[index].desk.setRate(RateLimit(30, per: .minute), of: "rated", now: now)
            apply(actions ?? [], index)
        } else if !workers[index].desk.setTimeLimits(soft: Double(draw(10)), hard: nil, of: "plain") {
            books.note("a task that is known is not")
        }
    }

    func isWell(_ worker: SimulatedTaskWorker) -> Bool { worker.pausedUntil == nil }

    // MARK: Rest

    /// Everything ends: nobody is in anybody's way until nothing is left.
    private mutating func rest() {
        isResting = true
        for index in workers.indices {
            workers[index].pausedUntil = nil
            workers[index].cutUntil = nil
            wake(index)
        }
        var turns = 0
        while !books.isOver || workers.contains(where: { $0.desk.inHand > 0 }), books.problems.isEmpty {
            turns += 1
            if turns > 6000 { return books.note("it never ends: \(books.tasks.filter { $0.commits == 0 }.count) left") }
            pass()
            for index in workers.indices { revive(index) }
            for index in workers.indices { work(index) }
            for worker in workers { books.audit(worker) }
        }
    }

    /// A worker that serves both queues and has a slot; one that has drained is replaced.
    private mutating func revive(_ index: Int) {
        for queue in Self.queues { _ = workers[index].desk.consume(queue) }
        if workers[index].desk.slots == 0 { apply(workers[index].desk.resize(to: 1, now: now), index) }
        guard workers[index].desk.isDraining else { return }
        if workers[index].desk.isDrained {
            workers.remove(at: index)
            addWorker()
        }
    }

    // MARK: Chance

    mutating func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

    mutating func oneIn(_ count: Int) -> Bool { draw(count) == 0 }
}
