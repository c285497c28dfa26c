import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization

/// The role that has as many slots as the queues need (`--autoscale`): by how much waits there, how old the oldest is,
/// and how long runs take. Runs that are on keep their slots.
struct Autoscaler {
    private static let pause = Duration.seconds(1)

    let worker: TaskWorker

    /// Works until the task is cancelled. As in Celery a worker that began without bounds gets none later.
    func run() async {
        guard worker.settings.desk.autoscale != nil else { return }
        var scaler = TaskScaler(policy: policy)
        var ages: [String: QueueAge] = [:]
        while (try? await Task.sleep(for: Self.pause)) != nil {
            scaler.adopt(policy)
            do {
                let load = try await load(&ages)
                let now = TaskTime.current
                // A worker whose budget is spent goes on with one.
                let least = worker.settings.scale.budget == nil ? nil : 1
                let wanted = max(scaler.observe(load, now: now), least ?? 0)
                guard wanted != worker.state.withLock({ $0.desk.slots }) else { continue }
                worker.logger.info(
                    "slots change", metadata: ["slots": "\(wanted)", "waiting": "\(load.waiting)"])
                await worker.resize(to: wanted, least: least)
            } catch {
                worker.logger.debug("queues were not looked at", metadata: ["error": "\(error)"])
            }
        }
    }

    private var policy: TaskScalePolicy {
        var policy = worker.settings.scale
        let bounds = worker.state.withLock { $0.desk.autoscale }
        policy.min = bounds?.lowerBound ?? policy.min
        policy.max = bounds?.upperBound ?? policy.max
        return policy
    }

    private func load(_ ages: inout [String: QueueAge]) async throws -> TaskScaler.Load {
        let (queues, waiting, running, mean) = worker.state.withLock { state in
            (state.desk.queues, state.desk.waiting, state.desk.running, state.desk.meanRunSeconds)
        }
        let keys = QueueList.all(of: queues).map { worker.broker.keyed($0.key) }
        let now = SystemClock.seconds
        ages = ages.filter { keys.contains($0.key) }
        let answers = try await worker.broker.accepted(
            keys.flatMap { key -> [[ByteBuffer]] in
                let marker = ages[key]?.marker ?? []
                return [
                    command("LLEN", key), command("LINDEX", key, "0"),
                    command("LPOS", key) + [ByteBuffer(bytes: marker)],
                ]
            })
        var length = 0
        for (index, key) in keys.enumerated() {
            let own = Array(answers[(3 * index)..<(3 * index + 3)])
            length += own[0].wholeNumber ?? 0
            var age = ages[key] ?? QueueAge(now: now)
            _ = age.look(
                newest: own[1].bytes.map { Array(buffer: $0) }, isMarkerThere: own[2].wholeNumber != nil, now: now)
            ages[key] = age
        }
        let oldest = length > 0 ? ages.values.map(\.seconds).max() : nil
        return TaskScaler.Load(
            waiting: length + waiting, running: running, oldestSeconds: oldest, meanSeconds: mean)
    }
}
