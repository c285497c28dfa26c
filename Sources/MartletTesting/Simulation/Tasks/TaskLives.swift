/// All that has to do with tasks, lived from one seed after the other: workers, scalers, schedulers; with every fourth,
/// a fair queue, which is long and much the same each time.
package struct TaskLives {
    package private(set) var tasks = TaskCounts()
    package private(set) var scale = ScaleCounts()
    package private(set) var cron = CronCounts()
    /// Until whose result, without a flood and with it.
    package private(set) var alone = WaitCounts()
    package private(set) var flooded = WaitCounts()

    package init() {}

    /// Answers what was wrong.
    package mutating func live(seed: UInt64) -> [String] {
        var workers = TaskSimulation(seed: seed)
        var scaler = ScaleSimulation(seed: seed)
        var schedulers = CronSimulation(seed: seed)
        var problems = workers.run() + scaler.run() + schedulers.run()
        if seed % 4 == 0 {
            var fairness = FairnessSimulation(seed: seed)
            problems += fairness.run()
            alone += fairness.alone
            flooded += fairness.flooded
        }
        tasks += workers.met
        scale += scaler.met
        cron += schedulers.met
        return problems
    }

    /// One key that brings a hundred times as many as any other makes nineteen in twenty of the others' tasks wait at
    /// most twice as long as without it; nil: so it is.
    package var unfairness: String? {
        let (before, after) = (alone.percentile(95), flooded.percentile(95))
        return after > 2 * before ? "under a flood, others wait \(after) runs instead of \(before)" : nil
    }

    package var text: String {
        """
        tasks: \(tasks.tasks) sent, \(tasks.runs) runs, \(tasks.commits) ends, \(tasks.fenced) fenced, \
        \(tasks.abandoned) abandoned, \(tasks.retries) retries, \(tasks.returns) returned, \(tasks.postponed) \
        postponed, \(tasks.buried) buried, \(tasks.revoked) revoked, \(tasks.expired) expired, \(tasks.timeouts) \
        timed out, \(tasks.deaths) workers killed, \(tasks.drains) drained
        flood: nineteen in twenty of the others have their result after \(alone.percentile(95)) mean runs without it, \
        after \(flooded.percentile(95)) with it
        scale: \(scale.looks) looks, \(scale.growths) growths, \(scale.shrinks) shrinks, \(scale.capped) capped
        cron: \(cron.fired) fired, \(cron.madeUp) made up for, \(cron.fenced) fenced, \(cron.leaders) leaders
        """
    }
}
