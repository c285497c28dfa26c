import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import Synchronization

extension TaskWorker {
    /// What it does at this moment.
    package func status() -> TaskWorkerStatus {
        let (sendsEvents, dropped) = (events.sendsTaskEvents, events.dropped)
        let now = Instant.current
        return state.withLock { state in
            let active = state.desk.active
            return TaskWorkerStatus(
                name: settings.name, state: Self.word(state.life), isReady: isReady(state, now: now),
                queues: state.desk.queues.sorted(), slots: state.desk.slots, autoscale: state.desk.autoscale,
                active: active.compactMap { state.held[$0.id].map(Self.view) }, reserved: state.desk.waiting,
                scheduled: state.desk.scheduledInHand, unsettled: state.unsettled,
                revocations: state.desk.revocations.count, counters: state.counters,
                oldestStart: active.compactMap { $0.startedAt?.instant }.min(), lastTake: state.lastTake,
                lastAnswer: state.lastAnswer, startedAt: state.startedAt, meanRunSeconds: state.desk.meanRunSeconds,
                sendsTaskEvents: sendsEvents, droppedEvents: dropped)
        }
    }

    /// What heartbeats say.
    var vitals: WorkerReport {
        let (active, processed) = state.withLock { ($0.desk.running, $0.desk.counts.started) }
        return WorkerReport(
            frequency: settings.heartbeat.inSeconds, active: active, processed: processed,
            loadAverage: ProcessUsage.load, software: "martlet", version: settings.version)
    }

    private func isReady(_ state: WorkerState, now: Instant) -> Bool {
        guard state.life == .running, let lastAnswer = state.lastAnswer else { return false }
        return now - lastAnswer < settings.stall
    }

    private static func word(_ life: WorkerState.Life) -> TaskWorkerStatus.State {
        switch life {
        case .starting: .starting
        case .running: .running
        case .draining: .draining
        case .stopped: .stopped
        }
    }

    private static func view(_ held: HeldTask) -> TaskWorkerStatus.ActiveTask {
        let message = held.hand.message
        return TaskWorkerStatus.ActiveTask(
            id: message.id, name: message.title, queue: held.hand.delivery.receipt.queue, retries: message.retries,
            deliveries: held.hand.delivery.deliveries, argumentsText: message.argsText,
            keywordArgumentsText: message.kwargsText, startedAt: held.startedAt)
    }
}
