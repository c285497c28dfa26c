import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization

/// A message that was read.
struct ReadDelivery: Sendable {
    var delivery: Delivery
    var message: TaskMessage
    var fairness: FairnessHeaders
    /// The unique key that it needs; nil: none.
    var unique: UniqueHold?
}

/// Unique tasks: of those with one key one waits or runs, whoever sent them. A second one is dropped when it is taken.
extension TaskWorker {
    /// Those that may be run; the others are told to the broker as duplicates.
    func withoutDuplicates(_ read: [ReadDelivery]) async -> [ReadDelivery] {
        let holds = read.compactMap(\.unique)
        guard !holds.isEmpty else { return read }
        var owners: [String]
        do {
            owners = try await broker.claim(holds)
            for (index, hold) in holds.enumerated() where owners[index] != hold.task {
                owners[index] = try await takeOver(hold, from: owners[index])
            }
        } catch let error as RedisError {
            logger.error("unique tasks are run unasked", metadata: ["error": "\(error)"])
            return read
        } catch {
            logger.debug("unique tasks go back", metadata: ["error": "\(error)"])
            settleUnseen(
                read.filter { $0.unique != nil }.map { one in
                    books.entry(DueSettlement(hand: hand(one), settlement: .giveBack(atHead: true)))
                })
            return read.filter { $0.unique == nil }
        }
        var next = owners.makeIterator()
        var kept: [ReadDelivery] = []
        var duplicates: [BookEntry] = []
        for one in read {
            guard let hold = one.unique, let owner = next.next(), owner != hold.task else {
                kept.append(one)
                continue
            }
            logger.info("a duplicate is dropped", metadata: ["id": "\(hold.task)", "other": "\(owner)"])
            duplicates.append(books.duplicate(hand(one), of: owner))
        }
        settleUnseen(duplicates)
        return kept
    }

    /// The task that has the key may be over without having freed it: a worker of Celery's ran it.
    private func takeOver(_ hold: UniqueHold, from owner: String) async throws -> String {
        guard hold.rule.until != .ttl, try await ledger.state(of: owner).isReady else { return owner }
        try await broker.free(UniqueHold(key: hold.key, task: owner))
        return try await broker.claim([hold]).first ?? owner
    }

    /// Outcomes of messages that the desk has not seen.
    private func settleUnseen(_ entries: [BookEntry]) {
        guard !entries.isEmpty else { return }
        state.withLock { $0.unsettled += entries.count }
        settlements.add(
            entries.map { entry in
                var entry = entry
                entry.id = nil
                return entry
            })
    }

    private func hand(_ read: ReadDelivery) -> TaskHand {
        state.withLock { state in
            TaskHand(
                id: state.nextDelivery(), delivery: read.delivery, message: read.message,
                kind: state.known[read.message.name])
        }
    }
}

extension UniqueHold {
    /// The unique key that a task needs; nil: none.
    ///
    /// - Parameter rule: What its own description says.
    init?(_ message: TaskMessage, _ fairness: FairnessHeaders, rule: UniqueRule?) {
        if let key = fairness.unique, let rule = fairness.uniqueRule {
            self.init(key: key, task: message.id, rule: rule)
            return
        }
        // What was not read cannot be compared.
        guard message.bodyFlaw == nil, let rule else { return nil }
        let arguments = KnownScript.sha1(of: Bytes(Array(message.args.bytes) + Array(message.kwargs.bytes)))
        self.init(key: "\(message.name):\(arguments.text)", task: message.id, rule: rule)
    }
}

extension TaskBooks {
    /// Not run, because there is one of its key: whoever waits for it is told which.
    func duplicate(_ hand: TaskHand, of owner: String) -> BookEntry {
        let reason = "duplicate of \(owner)"
        let due = DueSettlement(hand: hand, settlement: .revoke(expired: false, terminated: false))
        let message = hand.message
        var entry = entry(due, tally: .revoked, publishing: CanvasSteps())
        if hand.storesErrors { store(.revoked(id: message.id, reason), of: due, into: &entry) }
        addPart(.revoked, TaskFailure.revoked(reason).json, of: message, to: &entry)
        entry.event = { .revoked(message.id, terminated: false, signal: nil, expired: false) }
        return entry
    }
}

extension DueSettlement {
    /// Whether its task is over now: not when it is run again.
    var isEnd: Bool {
        switch settlement {
        case .retry, .giveBack, .postpone: return false
        case .succeed, .fail, .revoke, .acknowledge, .bury: break
        }
        guard case .settled(let end) = outcome else { return true }
        return end.state != .retry && end.state != .requeued
    }
}

extension BookEntry {
    /// With the step that ends the message, or after it where that is not one step.
    mutating func free(_ hold: UniqueHold) {
        if case .finish(var finish) = act {
            finish.freeing = hold
            act = .finish(finish)
        } else {
            freeing = hold
        }
    }
}
