package import MartletLogic

/// What a worker is told at its start; Celery's words where Celery has them.
package struct TaskWorkerSettings: Sendable {
    /// Its name among the workers, such as `celery@host`.
    package var name: String
    /// In the order in which they are asked; the one that was served goes to the end.
    package var queues: [String]
    /// Where a step of a chain goes that names no queue, and whose task is not known here.
    package var defaultQueue = "celery"
    /// Slots, prefetch, leases, limits, deliveries: what the desk decides by.
    package var desk: DeskPolicy
    /// How slots follow the queues under `--autoscale`, but for the bounds, which are the desk's.
    package var scale = TaskScalePolicy()
    /// How long a stop waits for tasks that run; then they are handed back.
    package var drain: Duration = .seconds(60)
    /// How long results are kept; `.zero`: for ever.
    package var resultExpires: Duration = .seconds(86_400)
    /// Task events are sent from the start (`-E`), and not only when somebody asks for them.
    package var sendsTaskEvents = false
    /// Any events (`--without-heartbeat` turns them off).
    package var sendsEvents = true
    package var heartbeat: Duration = .seconds(2)
    /// Other workers are asked for what they know at the start (`--without-mingle` turns it off).
    package var mingles = true
    /// Remote control may end it.
    package var obeysShutdown = true
    /// Other workers' events are heard (`--without-gossip` turns it off).
    package var gossips = true
    /// Events that wait to be sent; above it the oldest are dropped and counted.
    package var eventBuffer = 10_000
    /// Runs that are over and not yet told to the broker; nothing is taken while there are so many.
    package var unsettled = 4096
    /// Nothing heard from the broker for so long: the worker is not ready, and says so.
    package var stall: Duration = .seconds(15)
    /// The database of the broker, which its channels are named by.
    package var database = 0
    /// What `inspect stats` tells of the broker; without the password.
    package var brokerHost = "localhost"
    package var brokerPort = 6379
    /// Celery apps say themselves which tasks are acknowledged before they run (`--acks-as-app`); otherwise none is.
    package var acksAsApp = false
    /// What `inspect conf` tells beside the settings above.
    package var configuration: [String: String] = [:]
    /// Of Martlet.
    package var version = "0"

    /// Runs go on through an outage of the broker: their outcomes are fenced.
    package init(name: String, queues: [String], desk: DeskPolicy) {
        self.name = name
        self.queues = queues
        self.desk = desk
        self.desk.outlivesSilence = true
    }
}
