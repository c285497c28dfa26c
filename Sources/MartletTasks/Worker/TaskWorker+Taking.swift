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

    /// What the broker gave.
    private struct Taken {
        var pull: DeskPull
        /// nil: it could not be asked.
        var deliveries: [Delivery]?
    }

    /// The next messages are asked for while those that came are looked at, so that the broker and this worker need not
    /// wait for each other. They keep their order.
    func takeMessages() async {
        var pause = Pause()
        var taken: Taken?
        var isFull = false
        while !Task.isCancelled {
            let pull = isFull ? nil : nextPull()
            async let next = take(pull)
            if let taken {
                let goesBack = await arrived(taken.deliveries ?? [], of: taken.pull)
                isFull = isFull || goesBack
            }
            taken = await next
            guard let came = taken else {
                if isFull {
                    await interest.wait(atMost: Self.pauseWhenFull)
                    isFull = false
                } else if pull == nil {
                    if isTakingOver { return }
                    await room.wait()
                }
                continue
            }
            guard came.deliveries?.isEmpty ?? true else {
                pause.reset()
                continue
            }
            taken = nil
            await arrived([], of: came.pull)
            if came.deliveries == nil {
                await pause.wait()
            } else {
                pause.reset()
                await waitForMessages(came.pull.lists.map { QueueList($0) })
            }
        }
    }

    /// nil: nothing is to be taken now.
    private func take(_ pull: DeskPull?) async -> Taken? {
        guard let pull else { return nil }
        do {
            let deliveries = try await broker.take(pull.lists.map { QueueList($0) }, count: pull.count)
            heardFromBroker(took: !deliveries.isEmpty)
            return Taken(pull: pull, deliveries: deliveries)
        } catch {
            logger.debug("messages cannot be taken", metadata: ["error": "\(error)"])
            return Taken(pull: pull, deliveries: nil)
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
