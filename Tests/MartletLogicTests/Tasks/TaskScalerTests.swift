import MartletBase
import MartletLogic
import Testing

@Suite struct TaskScalerTests {
    /// 1 to 8 workers, tasks wait 10 s at most, quiet is 30 s.
    private func scaler(_ change: (inout TaskScalePolicy) -> Void = { _ in }) -> TaskScaler {
        var policy = TaskScalePolicy()
        policy.max = 8
        change(&policy)
        return TaskScaler(policy: policy)
    }

    private func load(_ waiting: Int, _ running: Int, oldest: Double? = nil, mean: Double? = nil) -> TaskScaler.Load {
        .init(waiting: waiting, running: running, oldestSeconds: oldest, meanSeconds: mean)
    }

    // MARK: What is desired

    @Test func asManyAsServeWhoeverWaitsInTime() {
        func desired(_ load: TaskScaler.Load) -> Int { TaskScaler.desired(load, wait: .seconds(10)) }
        #expect(desired(load(0, 0)) == 0)
        // Nobody knows how long they take: one for each.
        #expect(desired(load(5, 2)) == 7)
        // A thousand of ten milliseconds are done by one.
        #expect(desired(load(1000, 0, mean: 0.01)) == 1)
        #expect(desired(load(1000, 0, mean: 0.1)) == 10)
        // Half of what runs is still to be done.
        #expect(desired(load(10, 4, mean: 5)) == 6)
        // Six of ten seconds are gone.
        #expect(desired(load(40, 0, oldest: 6, mean: 0.5)) == 5)
        #expect(desired(load(40, 0, oldest: 1000, mean: 0.5)) == 8)
        // Never more than there are tasks, never fewer than run.
        #expect(desired(load(2, 1, mean: 600)) == 3)
        #expect(desired(load(1, 6, mean: 0.01)) == 6)
    }

    // MARK: Growing

    @Test func itGrowsAtOnceAndByAsManyAsAreNeeded() {
        var scaler = scaler()
        #expect(scaler.observe(load(0, 0), now: time(0)) == 1)
        #expect(scaler.observe(load(5, 1), now: time(1)) == 6)
        #expect(scaler.observe(load(100, 6), now: time(2)) == 8)
    }

    @Test func itDoesNotStayAtNone() {
        var scaler = scaler { $0.min = 0 }
        #expect(scaler.workers == 0)
        #expect(scaler.observe(load(1, 0), now: time(0)) == 1)
    }

    @Test func tasksThatWaitTooLongAllTheSameBringOneMoreAtATime() {
        var scaler = scaler()
        // By their mean one worker is enough, but the oldest waits and waits.
        let late = load(50, 1, oldest: 60, mean: 0.001)
        let workers = (0...10).map { scaler.observe(late, now: time(Double($0))) }
        #expect(workers == [2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4])
    }

    // MARK: Shrinking

    @Test func itShrinksAfterAQuietPeriodToWhatWasNeededMeanwhile() {
        var scaler = scaler()
        _ = scaler.observe(load(7, 0), now: time(0))
        _ = scaler.observe(load(0, 2), now: time(1))
        _ = scaler.observe(load(0, 4), now: time(15))
        #expect(scaler.observe(load(0, 2), now: time(30)) == 7)
        #expect(scaler.observe(load(0, 2), now: time(31)) == 4)
        #expect(scaler.observe(load(0, 0), now: time(60)) == 4)
        #expect(scaler.observe(load(0, 0), now: time(61)) == 2)
        #expect(scaler.observe(load(0, 0), now: time(91)) == 1)
        #expect(scaler.observe(load(0, 0), now: time(500)) == 1)
    }

    @Test func oneBurstBeginsTheQuietPeriodAnew() {
        var scaler = scaler()
        _ = scaler.observe(load(7, 0), now: time(0))
        _ = scaler.observe(load(0, 0), now: time(1))
        _ = scaler.observe(load(7, 0), now: time(30))
        _ = scaler.observe(load(0, 0), now: time(31))
        #expect(scaler.observe(load(0, 0), now: time(60)) == 7)
        #expect(scaler.observe(load(0, 0), now: time(61)) == 1)
    }

    @Test func busyWorkersAreNeverSentHome() {
        var scaler = scaler()
        _ = scaler.observe(load(0, 6), now: time(0))
        var policy = TaskScalePolicy()
        policy.max = 2
        scaler.adopt(policy)
        #expect(scaler.observe(load(9, 6), now: time(1)) == 6)
        #expect(scaler.observe(load(9, 5), now: time(2)) == 5)
        #expect(scaler.observe(load(9, 1), now: time(3)) == 2)
    }

    // MARK: Budget

    @Test func theBudgetBoundsTheWorkers() {
        var scaler = scaler {
            $0.budget = TaskBudget(costPerWorkerHour: 2, limit: 7)
            $0.min = 2
        }
        // At the beginning of an hour: three and a half of them for all of it.
        let start = TaskTime(at(0), wall: 3_600_000 * 1000)
        #expect(scaler.observe(load(100, 0), now: start) == 3)
        // Half an hour later, three have cost three of seven.
        let later = TaskTime(at(1800), wall: start.wall + 1_800_000)
        #expect(scaler.observe(load(100, 0), now: later) == 4)
        #expect(abs(scaler.spent - 3) < 0.001)
        // The next hour has its own money.
        let next = TaskTime(at(3600), wall: start.wall + 3_600_000)
        #expect(scaler.observe(load(100, 0), now: next) == 3)
        #expect(scaler.spent == 0)
    }

    @Test func withoutMoneyNobodyWorksButThoseWhoAreBusy() {
        var scaler = scaler { $0.budget = TaskBudget(costPerWorkerHour: 1, limit: 0, period: .day) }
        #expect(scaler.observe(load(100, 0), now: time(0)) == 0)
        scaler = self.scaler()
        _ = scaler.observe(load(0, 3), now: time(0))
        var policy = scaler.policy
        policy.budget = TaskBudget(costPerWorkerHour: 1, limit: 0, period: .day)
        scaler.adopt(policy)
        #expect(scaler.observe(load(100, 3), now: time(1)) == 3)
        #expect(scaler.observe(load(100, 1), now: time(2)) == 1)
    }

    @Test func whatCostsNothingIsNotBounded() {
        var scaler = scaler { $0.budget = TaskBudget(costPerWorkerHour: 0, limit: 1) }
        #expect(scaler.observe(load(100, 0), now: time(0)) == 8)
    }
}
