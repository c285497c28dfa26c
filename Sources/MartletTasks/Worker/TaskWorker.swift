package import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import Synchronization

/// Takes tasks from queues, has them run, and tells the broker what became of them.
///
/// The ``WorkerDesk`` decides; this carries it out. Four roles do so side by side: one takes messages, one tells the
/// broker what became of them, many at once, one watches the clock and renews leases, and the runners run tasks, one
/// after the other in each slot. What a message is here and how far it is stands in ``WorkerState``, behind one lock
/// that is held for moments.
package final class TaskWorker: Sendable {
    package let settings: TaskWorkerSettings
    let broker: TaskBroker
    /// Where results are kept: the broker, as a rule.
    let results: TaskBroker
    let ledger: Ledger
    let executors: [any TaskExecutor]
    let logger: Logger
    let clock = LamportClock()
    let events: EventSender
    let gossip: Gossip
    let books: TaskBooks
    private let routes: TaskRoutes
    let state: Mutex<WorkerState>
    let settlements = SettlementQueue()
    let progress = ProgressBoard()
    /// The taker may have room, or is to end.
    let room = Signal()
    /// The taker's wait for messages is out of date.
    let interest = Signal()
    /// The clock's task is to look again.
    let alarm = Signal()
    /// The worker drains.
    let stopping = Signal()
    private let starts: AsyncStream<DeliveryID>
    let start: AsyncStream<DeliveryID>.Continuation
    let renewals: AsyncStream<[DeliveryID]>
    let renew: AsyncStream<[DeliveryID]>.Continuation
    let rateQuestions: AsyncStream<[RateQuestion]>
    let askRates: AsyncStream<[RateQuestion]>.Continuation
    let keyWishes: AsyncStream<[KeyWish]>
    let askKeys: AsyncStream<[KeyWish]>.Continuation
    let acknowledgements: AsyncStream<[DeliveryID]>
    let acknowledge: AsyncStream<[DeliveryID]>.Continuation

    /// - Parameter results: Where results are kept, when that is another server or database than the broker's.
    package init(
        settings: TaskWorkerSettings, broker: TaskBroker, results: TaskBroker? = nil,
        executors: [any TaskExecutor], logger: Logger
    ) {
        self.settings = settings
        self.broker = broker
        self.results = results ?? broker
        routes = TaskRoutes(default: settings.defaultQueue)
        self.executors = executors + [BuiltinTasks(executors)]
        self.logger = logger
        events = EventSender(settings: settings, clock: clock, broker: broker, logger: logger)
        gossip = Gossip(
            name: settings.name, processID: Int(ProcessFacts.id), clock: clock, heartbeat: settings.heartbeat)
        books = TaskBooks(
            worker: settings.name, resultExpires: settings.resultExpires, routes: routes,
            hasOwnBackend: results != nil)
        ledger = Ledger(broker: broker, results: results ?? broker, books: books, logger: logger)
        let desk = WorkerDesk(policy: settings.desk, queues: settings.queues, rules: [])
        state = Mutex(WorkerState(desk: desk))
        (starts, start) = AsyncStream.makeStream()
        (renewals, renew) = AsyncStream.makeStream()
        (acknowledgements, acknowledge) = AsyncStream.makeStream()
        (rateQuestions, askRates) = AsyncStream.makeStream()
        (keyWishes, askKeys) = AsyncStream.makeStream()
    }

    /// Works until ``drain()`` has ended it. Cancelling the task ends it at once: what runs is cancelled, and what is
    /// in hand comes back to its queue when its lease ends.
    ///
    /// - Throws: when the broker refuses what no worker can do without, such as a wrong password.
    package func run() async throws {
        register()
        try await meetBroker()
        state.withLock { state in
            state.startedAt = SystemClock.seconds
            if state.life == .starting { state.life = .running }
        }
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { roles in
                roles.addTask { await self.takeMessages() }
                roles.addTask { await self.tellOutcomes() }
                roles.addTask { await self.tellProgress() }
                roles.addTask { await self.watchClock() }
                roles.addTask { await self.renewLeases() }
                roles.addTask { await self.acknowledgeFirst() }
                roles.addTask { await self.askForRates() }
                roles.addTask { await self.enterKeys() }
                roles.addTask { await self.sweep() }
                roles.addTask { await self.endInTime() }
                roles.addTask { await Autoscaler(worker: self).run() }
                roles.addTask { await self.events.run { self.vitals } }
                roles.addTask { await RemoteControl(self).run() }
                for await first in starts {
                    roles.addTask {
                        let runner = TaskRunner()
                        await runner.run { await self.runTasks(from: first, on: runner) }
                    }
                }
                if !Task.isCancelled { await events.sayGoodbye(vitals) }
                roles.cancelAll()
            }
        } onCancel: {
            start.finish()
        }
        state.withLock { $0.life = .stopped }
    }

    /// Waits for a broker that is not there yet; what it has to say of revocations comes before any task.
    private func meetBroker() async throws {
        var pause = Pause()
        while true {
            do {
                return try await recallRevocations()
            } catch let error as RedisError where error.isDenial {
                throw error
            } catch {
                if state.withLock({ $0.life }) == .draining { return }
                try Task.checkCancellation()
                // Why was said when the connection could not be made.
                logger.debug("the broker cannot be reached", metadata: ["error": "\(error)"])
                await pause.wait()
            }
        }
    }

    /// Takes nothing any more, waits for what runs, hands back what does not end in time; then ``run()`` returns.
    package func drain() async {
        logger.notice("draining", metadata: ["worker": "\(settings.name)"])
        change { state, now in
            guard state.life == .running || state.life == .starting else { return [] }
            state.life = .draining
            return state.desk.drain(until: now.instant + settings.drain, now: now)
        }
        interest.notify()
        room.notify()
        stopping.notify()
    }

    /// Each executor's tasks, by their names. Where two know one name, the first has it.
    func register() {
        var known: [String: KnownTask] = [:]
        for executor in executors {
            for description in executor.tasks where known[description.name] == nil {
                known[description.name] = KnownTask(description: description, executor: executor)
            }
        }
        let rules = known.values.map(\.description.rules)
        routes.adopt(known.compactMapValues(\.description.queue))
        state.withLock { state in
            state.known = known
            state.desk.register(rules)
        }
    }

    // MARK: Changes

    /// Tells the desk something, and does what it decides.
    func change(_ tell: (inout WorkerState, TaskTime) -> [DeskAction]) {
        carryOut(decide(tell))
    }

    func decide(_ tell: (inout WorkerState, TaskTime) -> [DeskAction]) -> Chores {
        let now = TaskTime.current
        return state.withLock { state in
            let actions = tell(&state, now)
            return state.chores(actions, now: now)
        }
    }

    func carryOut(_ chores: Chores) {
        for id in chores.starts { start.yield(id) }
        for runner in chores.cancelled { runner.cancel() }
        for hand in chores.soft { announceSoftLimit(hand) }
        if !chores.acknowledgements.isEmpty { acknowledge.yield(chores.acknowledgements) }
        // One, as a rule: it moves into the queue without a copy.
        for due in chores.settlements { settlements.add(books.entry(due)) }
        if !chores.renewals.isEmpty { renew.yield(chores.renewals) }
        if !chores.rates.isEmpty { askRates.yield(chores.rates) }
        if !chores.keys.isEmpty { askKeys.yield(chores.keys) }
        if chores.wakesTaker { room.notify() }
        if chores.wakesClock { alarm.notify() }
        if chores.mayEnd { endIfEmpty() }
    }

    /// The worker's end, when it drains and nothing is left.
    func endIfEmpty() {
        let isOver = state.withLock { state in
            state.life == .draining && state.held.isEmpty && state.unsettled == 0 && state.desk.isDrained
        }
        if isOver { start.finish() }
    }

    private func announceSoftLimit(_ hand: TaskHand) {
        logger.warning(
            "soft time limit exceeded", metadata: ["task": "\(hand.message.title)", "id": "\(hand.message.id)"])
    }
}
