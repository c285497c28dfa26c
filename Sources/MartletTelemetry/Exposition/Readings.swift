package import MartletBase

/// What is read at scrape time rather than counted: each room fills in its part.
package struct Readings: Sendable {
    /// One target as its pool sees it now.
    package struct Target: Sendable {
        package var pool: String
        package var url: String
        package var inFlight: Int
        /// Whether the balancer may pick it.
        package var isUp: Bool
        /// nil: `breaker: off`.
        package var breaker: BreakerLabel?

        package init(pool: String, url: String, inFlight: Int, isUp: Bool, breaker: BreakerLabel?) {
            self.pool = pool
            self.url = url
            self.inFlight = inFlight
            self.isUp = isUp
            self.breaker = breaker
        }
    }

    /// How many requests of one priority wait for a pool.
    package struct Queue: Sendable {
        package var pool: String
        package var priority: PriorityClass
        package var length: Int

        package init(pool: String, priority: PriorityClass, length: Int) {
            self.pool = pool
            self.priority = priority
            self.length = length
        }
    }

    /// The workers of one app's API.
    package struct Group: Sendable {
        /// A number of one worker, counted from 0; those of one that takes the place of another are added up.
        package typealias OfWorker = (worker: Int, value: Int)

        package var pool: String
        package var wanted = 0
        package var ready = 0
        package var waiting = 0
        package var computing = 0
        package var recycled: [(reason: String, count: Int)] = []
        package var residentBytes: [OfWorker] = []
        package var descriptors: [OfWorker] = []
        package var lyingBytes: [(kind: String, bytes: Int)] = []
        package var secondsSaved: [(phase: String, seconds: Double)] = []
        package var secondsWasted = 0.0
        package var figures: [(worker: Int, name: String, value: Double)] = []

        package init(pool: String) { self.pool = pool }
    }

    /// What runs.
    package struct Build: Sendable {
        package var version: String
        package var commit: String

        package init(version: String, commit: String) {
            self.version = version
            self.commit = commit
        }
    }

    /// What the governor of descriptors says.
    package struct Descriptors: Sendable {
        /// Shares of the limit, by kind.
        package var budget: [(kind: String, count: Int)]
        package var pressure: Int
        /// Connections not served, by reason.
        package var refused: [(reason: String, count: Int)]
        package var closeWait: Int

        package init(
            budget: [(kind: String, count: Int)], pressure: Int, refused: [(reason: String, count: Int)], closeWait: Int
        ) {
            self.budget = budget
            self.pressure = pressure
            self.refused = refused
            self.closeWait = closeWait
        }
    }

    package var build: Build
    package var descriptors: Descriptors?
    package var process: ProcessStats?
    package var targets: [Target] = []
    package var queues: [Queue] = []
    package var groups: [Group] = []
    /// nil: this process has no broker.
    package var broker: Broker?
    /// nil: this process keeps no history of tasks.
    package var taskHistory: TaskHistory?
    /// nil: this process hands nothing in again and again.
    package var cron: Cron?
    /// The workers of tasks in this process.
    package var taskWorkers: [TaskWorker] = []
    /// nil: this process has no knowledge.
    package var knowledge: Knowledge?
    /// Lines lost, by log (`access`, `server`).
    package var droppedLogLines: [(log: String, lines: UInt64)] = []

    package init(build: Build, process: ProcessStats? = .now()) {
        self.build = build
        self.process = process
    }
}
