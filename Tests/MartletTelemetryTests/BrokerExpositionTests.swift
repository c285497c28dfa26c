import MartletTelemetry
import Testing

@Suite struct BrokerExpositionTests {
    private func scrape(_ broker: Readings.Broker?) throws -> PrometheusText {
        var readings = Readings(build: .init(version: "1", commit: "c"))
        readings.broker = broker
        let labels = LabelRegistry()
        return try PrometheusText(Exposition.text(totals: MeterTotals([]), labels: labels, readings: readings))
    }

    private func value(_ text: PrometheusText, _ name: String, _ labels: [String: String] = [:]) -> Double? {
        text.samples[.init(name: name, labels: labels)]
    }

    @Test func queuesAndTheJournalAppearUnderTheirNames() throws {
        var broker = Readings.Broker()
        var queue = Readings.Broker.Queue("cpu \"q\"", database: 3)
        queue.messages = [("ready", 4), ("dead", 1)]
        queue.oldestSeconds = 2.5
        queue.waitedSeconds = 0.25
        broker.queues = [queue]
        broker.openConnections = 7
        broker.journal.syncBounds = [0.001, 0.01]
        broker.journal.syncBuckets = [2, 3, 1]
        broker.journal.syncSeconds = 0.5
        let text = try scrape(broker)
        let ofQueue = ["queue": "cpu \"q\"", "database": "3"]
        #expect(value(text, "martlet_task_queue_messages", ofQueue.merging(["state": "ready"]) { $1 }) == 4)
        #expect(value(text, "martlet_task_queue_messages", ofQueue.merging(["state": "dead"]) { $1 }) == 1)
        #expect(value(text, "martlet_task_queue_oldest_seconds", ofQueue) == 2.5)
        #expect(value(text, "martlet_task_queue_wait_seconds_total", ofQueue) == 0.25)
        #expect(value(text, "martlet_broker_connections", ["state": "open"]) == 7)
        #expect(value(text, "martlet_broker_sync_seconds_bucket", ["le": "0.001"]) == 2)
        #expect(value(text, "martlet_broker_sync_seconds_bucket", ["le": "0.01"]) == 5)
        #expect(value(text, "martlet_broker_sync_seconds_bucket", ["le": "+Inf"]) == 6)
        #expect(value(text, "martlet_broker_sync_seconds_count") == 6)
        #expect(value(text, "martlet_broker_sync_seconds_sum") == 0.5)
    }

    @Test func theHistoryOfTasksAppearsWhereOneIsKept() throws {
        var readings = Readings(build: .init(version: "1", commit: "c"))
        var history = Readings.TaskHistory()
        (history.tasks, history.written, history.missed, history.failures) = (1, 2, 3, 4)
        readings.taskHistory = history
        let exposition = Exposition.text(totals: MeterTotals([]), labels: LabelRegistry(), readings: readings)
        let text = try PrometheusText(exposition)
        #expect(value(text, "martlet_task_history_tasks") == 1)
        #expect(value(text, "martlet_task_history_written_total") == 2)
        #expect(value(text, "martlet_task_history_missed_total") == 3)
        #expect(value(text, "martlet_task_history_failures_total") == 4)
    }

    @Test func cronAppearsWhereThereIsOne() throws {
        var readings = Readings(build: .init(version: "1", commit: "c"))
        readings.cron = Readings.Cron(isLeader: true, entries: [.init("report", runs: 3, missed: 2)])
        let exposition = Exposition.text(totals: MeterTotals([]), labels: LabelRegistry(), readings: readings)
        let text = try PrometheusText(exposition)
        #expect(value(text, "martlet_cron_leader") == 1)
        #expect(value(text, "martlet_cron_runs_total", ["name": "report"]) == 3)
        #expect(value(text, "martlet_cron_missed_total", ["name": "report"]) == 2)
    }

    @Test func aProcessWithoutABrokerSaysNothingOfOne() throws {
        let text = try scrape(nil)
        for part in ["martlet_broker", "_task_", "_cron_"] {
            #expect(!text.samples.keys.contains { $0.name.contains(part) })
        }
    }
}
