/// What a worker is told at its start; Celery's words where Celery has them.
package struct TaskWorkerSettings: Sendable {
    /// Its name among the workers, such as `celery@host`.
    package var name: String
    /// In the order in which they are asked; the one that was served goes to the end.
    package var queues: [String]
    /// How many tasks run at one time (`-c`).
    package var concurrency: Int
    /// Between which bounds `concurrency` may change (`--autoscale`); nil: it does not.
    package var autoscale: ClosedRange<Int>?
    /// How many tasks are taken for each slot (`--prefetch-multiplier`): 1 takes what can run at once. Tasks that are
    /// done within milliseconds are taken ahead of time all the same, worth a few hundredths of a second of work.
    package var prefetchMultiplier = 1
    /// A task that is not heard of for so long is given to another worker.
    package var lease: Duration = .seconds(30)
    /// How long a stop waits for tasks that run; then they are handed back.
    package var drain: Duration = .seconds(60)
    /// In seconds, for tasks that have none of their own (`--soft-time-limit`, `--time-limit`).
    package var softLimit: Double?
    package var hardLimit: Double?
    /// How long a run that was cancelled may go on before its outcome is no longer waited for.
    package var cancelGrace: Duration = .seconds(10)
    /// A message that was served so often and never ended goes to the dead letters.
    package var maximumDeliveries = 5
    /// How long results are kept.
    package var resultExpires: Duration = .seconds(86_400)
    /// Task events are sent from the start (`-E`), and not only when somebody asks for them.
    package var sendsTaskEvents = false
    /// Worker events, at all.
    package var sendsEvents = true
    package var heartbeat: Duration = .seconds(2)
    /// Other workers are asked for what they know at the start (`--without-mingle` turns it off).
    package var mingles = true
    /// Tasks whose time is to come that are held here, where the broker does not hold them itself.
    package var heldTasks = 100_000
    /// Revocations that are remembered, and for how long.
    package var revocations = 50_000
    package var revocationExpires: Duration = .seconds(10_800)
    /// No answer from the broker for so long: the worker is not ready, and says so.
    package var stall: Duration = .seconds(15)
    /// The database of the broker, which its channels are named by.
    package var database = 0
    /// Of Martlet.
    package var version = "0"

    package init(name: String, queues: [String], concurrency: Int) {
        self.name = name
        self.queues = queues
        self.concurrency = concurrency
    }
}
