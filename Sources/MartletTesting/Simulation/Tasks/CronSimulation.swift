import MartletBase
import MartletLogic

/// What lives of schedulers met.
package struct CronCounts: Sendable, Equatable {
    package var fired = 0
    package var madeUp = 0
    package var fenced = 0
    package var leaders = 0

    package init() {}

    package static func += (total: inout CronCounts, one: CronCounts) {
        total.fired += one.fired
        total.madeUp += one.madeUp
        total.fenced += one.fenced
        total.leaders += one.leaders
    }
}

/// One seed's life of three schedulers with one list of entries: they are stopped, cut off and killed, and what they
/// say arrives late. Whatever happens, no time is fired twice, and none is missed that is to be made up for.
package struct CronSimulation {
    private struct Scheduler {
        var leader: CronLeader
        var calls: [Call] = []
        var wakeAt: Instant
        var pausedUntil: Instant?
        var cutUntil: Instant?
    }

    private struct Call {
        var action: CronAction
        var sentAt: Instant
        /// Nil: the broker has not heard it.
        var answer: Answer?
    }

    private enum Answer {
        case granted(Int64?, [String: Int64])
        case renewed(Bool)
        case fired(FiringResult)
        case heard
    }

    private var random: SplitMix64
    private var now = TaskTime(Instant(nanoseconds: 1_000_000_000_000), wall: 1_700_000_000_000)
    private let entries: [CronEntry]
    private var schedulers: [Scheduler] = []
    // The broker's.
    private var holder: (token: Int64, end: Instant)?
    private var lastToken: Int64 = 0
    private var lasts: [String: Int64] = [:]
    private var firedTimes: [String: [Int64]] = [:]
    private var firstSeen: [String: Int64] = [:]
    private var problems: [String] = []
    package private(set) var met = CronCounts()

    package init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        var entries: [CronEntry] = []
        for (text, catchUp) in [("* * * * *", CatchUp.all), ("*/2 * * * *", .once), ("*/3 * * * *", .skip)] {
            guard let schedule = try? CronSchedule(text) else { continue }
            entries.append(CronEntry(name: catchUp.rawValue, schedule: schedule, catchUp: catchUp))
        }
        self.entries = entries
        for _ in 0..<3 { add() }
    }

    /// Lives the life to its end; answers what was wrong with it.
    package mutating func run() -> [String] {
        if entries.count != 3 { problems.append("a schedule cannot be read") }
        for _ in 0..<150 where problems.isEmpty { step() }
        // Once everybody is well, what is to be made up for is.
        for index in schedulers.indices { (schedulers[index].pausedUntil, schedulers[index].cutUntil) = (nil, nil) }
        for _ in 0..<60 where problems.isEmpty { step(isQuiet: true) }
        judge()
        return problems
    }

    private mutating func step(isQuiet: Bool = false) {
        let milliseconds = isQuiet ? 3000 : draw(draw(20) == 0 ? 60_000 : 3000)
        now = TaskTime(now.instant + .milliseconds(milliseconds), wall: now.wall + Int64(milliseconds))
        if !isQuiet { meetFault() }
        for index in schedulers.indices {
            if let until = schedulers[index].pausedUntil {
                guard until <= now.instant else { continue }
                schedulers[index].pausedUntil = nil
            }
            if schedulers[index].wakeAt <= now.instant { tell(index) { leader, now in leader.woken(now: now) } }
            work(index)
        }
    }

    private mutating func meetFault() {
        let index = draw(schedulers.count)
        switch draw(60) {
        case 0:
            schedulers.remove(at: index)
            add()
        case 1, 2: schedulers[index].pausedUntil = now.instant + .seconds(draw(90))
        case 3, 4: schedulers[index].cutUntil = now.instant + .seconds(draw(90))
        case 5: tell(index) { leader, _ in leader.stop() }
        default: break
        }
        if schedulers[index].leader.nextWake(now: now) == .never, schedulers[index].calls.isEmpty {
            schedulers.remove(at: index)
            add()
        }
    }

    private mutating func add() {
        let leader = CronLeader(entries: entries, maximumCatchUp: 1000, now: now.instant)
        schedulers.append(Scheduler(leader: leader, wakeAt: now.instant))
    }

    private mutating func tell(_ index: Int, _ event: (inout CronLeader, TaskTime) -> [CronAction]) {
        let hadToken = schedulers[index].leader.token(now: now.instant)
        for action in event(&schedulers[index].leader, now) {
            schedulers[index].calls.append(Call(action: action, sentAt: now.instant))
        }
        if hadToken == nil, schedulers[index].leader.token(now: now.instant) != nil { met.leaders += 1 }
        schedulers[index].wakeAt = schedulers[index].leader.nextWake(now: now)
    }

    /// What was said is heard, and answers come; both may take their time.
    private mutating func work(_ index: Int) {
        if let until = schedulers[index].cutUntil {
            guard until <= now.instant else { return }
            schedulers[index].cutUntil = nil
        }
        for position in schedulers[index].calls.indices where schedulers[index].calls[position].answer == nil {
            if draw(3) > 0 { schedulers[index].calls[position].answer = hear(schedulers[index].calls[position].action) }
        }
        let calls = schedulers[index].calls
        schedulers[index].calls.removeAll()
        for call in calls {
            guard let answer = call.answer, draw(3) > 0 else {
                schedulers[index].calls.append(call)
                continue
            }
            tell(index) { leader, now in Self.deliver(call, answer, &leader, now: now) }
        }
    }

    private static func deliver(
        _ call: Call, _ answer: Answer, _ leader: inout CronLeader, now: TaskTime
    ) -> [CronAction] {
        switch (call.action, answer) {
        case (.acquire, .granted(let token, let lasts)):
            leader.acquired(token: token, lasts: lasts, sentAt: call.sentAt, now: now)
        case (.renew(let token), .renewed(let isOurs)):
            leader.renewed(token: token, isOurs: isOurs, sentAt: call.sentAt, now: now)
        case (.fire(let firing, _), .fired(let result)): leader.fired(firing, result, now: now)
        default: []
        }
    }

    // MARK: The broker

    private mutating func hear(_ action: CronAction) -> Answer {
        if let end = holder?.end, end <= now.instant { holder = nil }
        switch action {
        case .acquire:
            guard holder == nil else { return .granted(nil, [:]) }
            lastToken += 1
            holder = (lastToken, now.instant + .seconds(15))
            return .granted(lastToken, lasts)
        case .renew(let token):
            guard holder?.token == token else { return .renewed(false) }
            holder?.end = now.instant + .seconds(15)
            return .renewed(true)
        case .release(let token):
            if holder?.token == token { holder = nil }
            return .heard
        case .fire(let firing, let token):
            guard token == lastToken else {
                met.fenced += 1
                return .fired(.fenced)
            }
            if let last = lasts[firing.name], firing.previous != last { return .fired(.already(last: last)) }
            if firing.last < lasts[firing.name] ?? .min { problems.append("\(firing.name) goes back in time") }
            if firing.times.isEmpty, firstSeen[firing.name] == nil { firstSeen[firing.name] = firing.last }
            lasts[firing.name] = firing.last
            firedTimes[firing.name, default: []] += firing.times
            met.fired += firing.times.count
            met.madeUp += max(firing.times.count - 1, 0)
            // It may hear of it, or not.
            return .fired(draw(10) == 0 ? .failed : .done)
        }
    }

    private mutating func judge() {
        for entry in entries {
            let fired = firedTimes[entry.name] ?? []
            let distinct = Set(fired)
            if distinct.count != fired.count { problems.append("\(entry.name) fires a time twice") }
            if fired != fired.sorted() { problems.append("\(entry.name) fires out of order") }
            if entry.catchUp == .all, let first = firstSeen[entry.name] {
                var expected: [Int64] = []
                var time = first
                while let next = entry.times.next(after: time), next <= now.wall - 60_000 {
                    expected.append(next)
                    time = next
                }
                let missed = expected.filter { !distinct.contains($0) }
                if !missed.isEmpty { problems.append("\(missed.count) times were missed") }
            }
        }
    }

    private mutating func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
}
