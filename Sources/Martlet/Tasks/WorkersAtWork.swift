import MartletBase
import MartletNet
import MartletTasks
import MartletTelemetry
import Synchronization

/// The workers of tasks in this process, for whoever shows what they do.
final class WorkersAtWork: Sendable {
    private let workers = Mutex<[TaskWorker]>([])

    func add(_ worker: TaskWorker) { workers.withLock { $0.append(worker) } }

    func remove(_ worker: TaskWorker) { workers.withLock { $0.removeAll { $0 === worker } } }

    func readings() -> [Readings.TaskWorker] {
        let now = Instant.current
        return workers.withLock { $0 }.map { Readings.TaskWorker($0.status(), now: now) }
    }
}
