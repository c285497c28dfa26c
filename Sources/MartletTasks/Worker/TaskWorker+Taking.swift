import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization

/// The role that takes messages as there is room for them.
extension TaskWorker {
    /// A broker that serves messages before their time would serve those that are handed back at once again.
    private static let pauseWhenFull = Duration.seconds(1)

    func takeMessages() async {
        var pause = Pause()
        while !Task.isCancelled {
            guard let pull = nextPull() else {
                if isTakingOver { return }
                await room.wait()
                continue
            }
            let lists = pull.lists.map { QueueList($0) }
            let deliveries: [Delivery]
            do {
                deliveries = try await broker.take(lists, count: pull.count)
                pause.reset()
            } catch {
                await arrived([], of: pull)
                logger.debug("messages cannot be taken", metadata: ["error": "\(error)"])
                await pause.wait()
                continue
            }
            heardFromBroker(took: !deliveries.isEmpty)
            let isFull = await arrived(deliveries, of: pull)
            if deliveries.isEmpty { await waitForMessages(lists) }
            if isFull { await interest.wait(atMost: Self.pauseWhenFull) }
        }
    }

    private func nextPull() -> DeskPull? {
        let now = TaskTime.current
        return state.withLock { state in
            guard state.life == .running, state.unsettled < settings.unsettled, !state.desk.queues.isEmpty,
                let pull = state.desk.pull(now: now)
            else {
                state.isTakerIdle = true
                return nil
            }
            return pull
        }
    }

    private var isTakingOver: Bool { state.withLock { $0.life == .draining || $0.life == .stopped } }

    /// Returns when there may be something, when the queues are others, and when nothing is to be taken any more.
    private func waitForMessages(_ lists: [QueueList]) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await self.broker.wait(for: lists)
                    self.heardFromBroker(took: false)
                } catch {
                    // Asking again tells why, and waits.
                }
            }
            group.addTask { await self.interest.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    func heardFromBroker(took: Bool) {
        state.withLock { state in
            state.lastAnswer = .current
            if took { state.lastTake = state.lastAnswer }
        }
    }

    /// Reads what came and gives it to the desk. Whether some went back because no more can be held until their time.
    @discardableResult
    private func arrived(_ deliveries: [Delivery], of pull: DeskPull) async -> Bool {
        var read: [ReadDelivery] = []
        read.reserveCapacity(deliveries.count)
        var flawed: [FlawedDelivery] = []
        let known = state.withLock { $0.known }
        for delivery in deliveries {
            do throws(TaskMessageFlaw) {
                let message = try TaskMessage(Array(buffer: delivery.message))
                // A Celery app reads by itself what we cannot; nobody else does.
                let description = known[message.name]?.description
                if let flaw = message.bodyFlaw, description?.settlesItself != true { throw flaw }
                let fairness = FairnessHeaders(message)
                read.append(
                    ReadDelivery(
                        delivery: delivery, message: message, fairness: fairness,
                        unique: UniqueHold(message, fairness, rule: description?.unique)))
            } catch {
                flawed.append(FlawedDelivery(delivery: delivery, flaw: error))
            }
        }
        for flawed in flawed { refuse(flawed) }
        events.tasks(read) { .received($0.message, queue: $0.delivery.receipt.queue) }
        let kept = await withoutDuplicates(read)
        let chores = decide { state, now in
            let arrivals = kept.map { one -> TaskArrival in
                let hand = TaskHand(
                    id: state.nextDelivery(), delivery: one.delivery, message: one.message,
                    kind: state.known[one.message.name], unique: one.unique)
                state.held[hand.id] = HeldTask(hand: hand)
                return hand.arrival(settings: one.fairness)
            }
            return state.desk.pulled(arrivals, of: pull, now: now)
        }
        carryOut(chores)
        return chores.settlements.contains {
            if case .postpone = $0.settlement { true } else { false }
        }
    }

    /// A message that is no task that can be read: to the dead letters, and its sender is told.
    private func refuse(_ flawed: FlawedDelivery) {
        logger.error(
            "a message cannot be run",
            metadata: ["queue": "\(flawed.delivery.receipt.queue)", "reason": "\(flawed.flaw.text)"])
        state.withLock { $0.unsettled += 1 }
        settlements.add([books.entry(flawed)])
    }
}

struct FlawedDelivery: Sendable {
    var delivery: Delivery
    var flaw: TaskMessageFlaw
}

extension QueueList {
    init(_ list: DeskPull.List) {
        self.init(queue: list.queue, step: list.step)
    }
}

/// Longer and longer pauses between attempts that fail.
struct Pause {
    private static let first = Duration.milliseconds(50)
    private static let longest = Duration.seconds(2)
    private var next = Self.first

    mutating func reset() { next = Self.first }

    mutating func wait() async {
        try? await Task.sleep(for: next)
        next = min(next * 2, Self.longest)
    }
}
