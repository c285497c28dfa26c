import MartletBase
import MartletTasks
import MartletTelemetry

extension Readings.TaskWorker {
    init(_ status: TaskWorkerStatus, now: Instant) {
        self.init(status.name)
        isReady = status.isReady
        slots = status.slots
        tasks = [
            ("running", status.active.count), ("reserved", status.reserved), ("scheduled", status.scheduled),
            ("unsettled", status.unsettled),
        ]
        for (task, counts) in status.counters.sorted(by: { $0.key < $1.key }) {
            let outcomes = [
                ("succeeded", counts.succeeded), ("failed", counts.failed), ("retried", counts.retried),
                ("revoked", counts.revoked), ("rejected", counts.rejected), ("returned", counts.returned),
                ("abandoned", counts.abandoned), ("dead_lettered", counts.deadLettered),
            ]
            runs += outcomes.map { (task, $0.0, $0.1) }
            runSeconds.append((task, counts.runtime))
        }
        oldestRunSeconds = status.oldestStart.map { (now - $0).inSeconds } ?? 0
        droppedEvents = status.droppedEvents
    }
}
