extension Readings {
    /// The broker of tasks, as it is now.
    package struct Broker: Sendable {
        package struct Queue: Sendable {
            package var name: String
            package var database: Int
            /// Messages by what they wait for.
            package var messages: [(state: String, count: Int)] = []
            package var oldestSeconds = 0.0
            package var published: UInt64 = 0
            package var delivered: UInt64 = 0
            package var waitedSeconds = 0.0

            package init(_ name: String, database: Int) {
                self.name = name
                self.database = database
            }
        }

        /// What the journal did.
        package struct Journal: Sendable {
            /// Ends of the buckets of syncs, in seconds; how many each holds, and one number for those beyond.
            package var syncBounds: [Double] = []
            package var syncBuckets: [UInt64] = []
            package var syncSeconds = 0.0
            package var records: UInt64 = 0
            package var bytes: UInt64 = 0
            package var replayBytes: UInt64 = 0
            package var snapshots: UInt64 = 0
            package var failures: UInt64 = 0

            package init() {}
        }

        package var queues: [Queue] = []
        package var journal = Journal()
        package var openConnections = 0
        package var waitingConnections = 0
        package var connections: UInt64 = 0
        package var commands: UInt64 = 0
        package var returned: UInt64 = 0
        package var deadLetters: UInt64 = 0
        package var memoryBytes = 0
        package var maximumBytes = 0

        package init() {}
    }

    /// What became of tasks, in a file.
    package struct TaskHistory: Sendable {
        package var tasks = 0
        package var written: UInt64 = 0
        package var missed: UInt64 = 0
        package var failures: UInt64 = 0

        package init() {}
    }
}

extension Exposition {
    mutating func taskHistory(_ series: Series, _ history: Readings.TaskHistory) {
        switch series {
        case .taskHistoryTasks: writer.sample([], history.tasks)
        case .taskHistoryWritten: writer.sample([], history.written)
        case .taskHistoryMissed: writer.sample([], history.missed)
        default: writer.sample([], history.failures)
        }
    }

    mutating func queues(_ series: Series, _ broker: Readings.Broker) {
        for queue in broker.queues {
            let values = [queue.name, "\(queue.database)"]
            switch series {
            case .taskMessages: for one in queue.messages { writer.sample(values + [one.state], one.count) }
            case .taskOldest: writer.sample(values, queue.oldestSeconds)
            case .taskPublished: writer.sample(values, queue.published)
            case .taskDelivered: writer.sample(values, queue.delivered)
            default: writer.sample(values, queue.waitedSeconds)
            }
        }
    }

    mutating func broker(_ series: Series, _ broker: Readings.Broker) {
        let journal = broker.journal
        switch series {
        case .taskReturned: writer.sample([], broker.returned)
        case .taskDeadLetters: writer.sample([], broker.deadLetters)
        case .brokerConnections:
            writer.sample(["open"], broker.openConnections)
            writer.sample(["waiting"], broker.waitingConnections)
        case .brokerOpened: writer.sample([], broker.connections)
        case .brokerCommands: writer.sample([], broker.commands)
        case .brokerMemory:
            writer.sample(["used"], broker.memoryBytes)
            writer.sample(["limit"], broker.maximumBytes)
        case .brokerSync:
            writer.histogram(bounds: journal.syncBounds, buckets: journal.syncBuckets, sum: journal.syncSeconds)
        case .brokerRecords: writer.sample([], journal.records)
        case .brokerJournal: writer.sample([], journal.bytes)
        case .brokerReplay: writer.sample([], journal.replayBytes)
        case .brokerSnapshots: writer.sample([], journal.snapshots)
        default: writer.sample([], journal.failures)
        }
    }
}
