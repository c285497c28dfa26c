import MartletLogic
import MartletTasks
import MartletTelemetry

extension Readings.Broker {
    init(_ figures: BrokerFigures) {
        self.init()
        let reading = figures.reading
        queues = reading.queues.map { Queue($0) }
        openConnections = reading.clients
        waitingConnections = reading.blocked
        connections = reading.counters.connections
        commands = reading.counters.commands
        returned = reading.counters.returned
        deadLetters = reading.counters.deadLetters
        memoryBytes = reading.memoryBytes
        maximumBytes = reading.maximumBytes
        journal.syncBounds = figures.syncBounds
        journal.syncBuckets = figures.syncBuckets
        journal.syncSeconds = figures.syncSeconds
        journal.records = figures.records
        journal.bytes = figures.bytes
        journal.replayBytes = figures.replayBytes
        journal.snapshots = figures.snapshots
        journal.failures = figures.failures
    }
}

extension Readings.Broker.Queue {
    fileprivate init(_ queue: BrokerReading.Queue) {
        self.init(queue.name, database: queue.database)
        messages = [
            ("ready", queue.ready), ("delayed", queue.delayed), ("taken", queue.taken), ("dead", queue.dead),
        ]
        oldestSeconds = Double(queue.oldestMilliseconds) / 1000
        published = queue.published
        delivered = queue.delivered
        waitedSeconds = Double(queue.waitedMilliseconds) / 1000
    }
}
