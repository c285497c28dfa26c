extension Readings {
    /// A worker of tasks, as it is now.
    package struct TaskWorker: Sendable {
        /// Its node name.
        package var name: String
        package var isReady = false
        package var slots = 0
        /// Tasks in hand by what they wait for.
        package var tasks: [(state: String, count: Int)] = []
        /// Runs by task and how they ended.
        package var runs: [(task: String, outcome: String, count: Int)] = []
        /// Seconds of all runs that ended by themselves, by task.
        package var runSeconds: [(task: String, seconds: Double)] = []
        /// Since the longest of the runs began; 0: none runs.
        package var oldestRunSeconds = 0.0
        package var droppedEvents = 0

        package init(_ name: String) {
            self.name = name
        }
    }
}

extension Exposition {
    mutating func taskWorker(_ series: Series, _ worker: Readings.TaskWorker) {
        switch series {
        case .taskWorkerReady: writer.sample([worker.name], worker.isReady ? 1 : 0)
        case .taskWorkerSlots: writer.sample([worker.name], worker.slots)
        case .taskWorkerTasks: for one in worker.tasks { writer.sample([worker.name, one.state], one.count) }
        case .taskRuns: for one in worker.runs { writer.sample([worker.name, one.task, one.outcome], one.count) }
        case .taskRunSeconds: for one in worker.runSeconds { writer.sample([worker.name, one.task], one.seconds) }
        case .taskOldestRun: writer.sample([worker.name], worker.oldestRunSeconds)
        default: writer.sample([worker.name], worker.droppedEvents)
        }
    }
}
