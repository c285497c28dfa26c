import Logging
import MartletNet
import MartletWire
import NIOCore
import Synchronization

/// Tells monitors what happens here: worker events always, task events when somebody wants them.
///
/// Whoever tells something only puts it into a buffer; one task sends what has gathered, many in one message as Celery
/// does. The buffer is bounded: events are worth less than tasks.
final class EventSender: Sendable {
    enum WorkerEvent {
        case online, heartbeat, offline
    }

    private struct Waiting {
        var event: TaskEvent
        var clock: Int
        var timestamp: Double
    }

    private struct State {
        var sendsTaskEvents: Bool
        var tasks: [Waiting] = []
        var others: [Waiting] = []
        var dropped = 0
    }

    private let settings: TaskWorkerSettings
    private let clock: LamportClock
    private let broker: TaskBroker
    private let logger: Logger
    private let source: EventSource
    private let state: Mutex<State>
    private let signal = Signal()

    init(settings: TaskWorkerSettings, clock: LamportClock, broker: TaskBroker, logger: Logger) {
        self.settings = settings
        self.clock = clock
        self.broker = broker
        self.logger = logger
        source = EventSource(
            hostname: settings.name, processID: Int(ProcessFacts.id), utcOffset: ProcessUsage.utcOffsetHours)
        state = Mutex(State(sendsTaskEvents: settings.sendsTaskEvents && settings.sendsEvents))
    }

    var sendsTaskEvents: Bool { state.withLock { $0.sendsTaskEvents } }
    var dropped: Int { state.withLock { $0.dropped } }

    /// False: they were on, or off, before.
    func setTaskEvents(_ isOn: Bool) -> Bool {
        state.withLock { state in
            guard state.sendsTaskEvents != isOn else { return false }
            state.sendsTaskEvents = isOn
            return true
        }
    }

    // MARK: Telling

    /// Nothing is made of what nobody wants.
    func tasks<Source>(_ sources: some Sequence<Source>, _ event: (Source) -> TaskEvent?) {
        guard sendsTaskEvents else { return }
        let waiting = sources.compactMap { event($0).map(stamped) }
        guard !waiting.isEmpty else { return }
        state.withLock { state in
            state.tasks += waiting
            trim(&state.tasks, &state.dropped)
        }
        signal.notify()
    }

    func worker(_ kind: WorkerEvent, _ report: WorkerReport) {
        switch kind {
        case .online: other(.workerOnline(report))
        case .heartbeat: other(.workerHeartbeat(report))
        case .offline: other(.workerOffline(report))
        }
    }

    /// An event of another group than `task`.
    func other(_ event: TaskEvent) {
        guard settings.sendsEvents else { return }
        let waiting = stamped(event)
        state.withLock { state in
            state.others.append(waiting)
            trim(&state.others, &state.dropped)
        }
        signal.notify()
    }

    private func stamped(_ event: TaskEvent) -> Waiting {
        Waiting(event: event, clock: clock.forward(), timestamp: SystemClock.seconds)
    }

    /// Half of them at once, so that not each further event moves all.
    private func trim(_ waiting: inout [Waiting], _ dropped: inout Int) {
        guard waiting.count > settings.eventBuffer else { return }
        let count = waiting.count - settings.eventBuffer / 2
        waiting.removeFirst(count)
        dropped += count
    }

    // MARK: Sending

    /// Sends until the task is cancelled.
    func run(_ vitals: @escaping @Sendable () -> WorkerReport) async {
        guard settings.sendsEvents else { return }
        worker(.online, vitals())
        await withDiscardingTaskGroup { group in
            group.addTask {
                while (try? await Task.sleep(for: self.settings.heartbeat)) != nil {
                    self.worker(.heartbeat, vitals())
                }
            }
            group.addTask { await self.send() }
        }
    }

    /// Says that the worker is gone, with what was not told before.
    func sayGoodbye(_ report: WorkerReport) async {
        guard settings.sendsEvents else { return }
        worker(.offline, report)
        let (tasks, others) = take()
        _ = try? await broker.run(publications(tasks, others))
    }

    private func send() async {
        var pause = Pause()
        while !Task.isCancelled {
            let (tasks, others) = take()
            guard !tasks.isEmpty || !others.isEmpty else {
                await signal.wait()
                continue
            }
            do {
                _ = try await broker.run(publications(tasks, others))
                pause.reset()
            } catch {
                putBack(tasks, others)
                await pause.wait()
            }
        }
    }

    private func take() -> (tasks: [Waiting], others: [Waiting]) {
        state.withLock { state in
            defer { (state.tasks, state.others) = ([], []) }
            return (state.tasks, state.others)
        }
    }

    private func putBack(_ tasks: [Waiting], _ others: [Waiting]) {
        state.withLock { state in
            state.tasks = tasks + state.tasks
            // Heartbeats of the past tell nothing.
            state.others = others.filter { $0.event.type != "worker-heartbeat" } + state.others
            trim(&state.tasks, &state.dropped)
            trim(&state.others, &state.dropped)
        }
    }

    private func publications(_ tasks: [Waiting], _ others: [Waiting]) -> [[ByteBuffer]] {
        var commands = others.map { waiting in
            publish(source.publication(stamp(waiting), deliveryTag: RandomID.make(), database: settings.database))
        }
        for start in stride(from: 0, to: tasks.count, by: EventSource.batch) {
            let batch = tasks[start..<min(start + EventSource.batch, tasks.count)].map(stamp)
            commands.append(
                publish(source.publication(batch, deliveryTag: RandomID.make(), database: settings.database)))
        }
        return commands
    }

    private func stamp(_ waiting: Waiting) -> StampedEvent {
        source.stamp(waiting.event, clock: waiting.clock, timestamp: waiting.timestamp)
    }

    private func publish(_ publication: (channel: String, message: [UInt8])) -> [ByteBuffer] {
        [
            ByteBuffer(string: "PUBLISH"), ByteBuffer(string: broker.keyed(publication.channel)),
            ByteBuffer(bytes: publication.message),
        ]
    }
}
