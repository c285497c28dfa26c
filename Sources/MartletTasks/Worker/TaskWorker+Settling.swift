import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import Synchronization

/// The role that tells the broker what became of messages: many at once, again until the broker has heard it.
extension TaskWorker {
    private static let entriesAtOnce = 512
    /// So many times that much is told before the broker has answered the first: it goes on while answers travel.
    private static let toldAhead = 2
    /// So often is told what the broker refuses.
    private static let attempts = 3

    func tellOutcomes() async {
        await withDiscardingTaskGroup { chords in
            await withTaskGroup(of: Void.self) { told in
                var underWay = 0
                while true {
                    var entries = await settlements.take(atMost: Self.entriesAtOnce)
                    if entries.isEmpty { return }
                    if entries.contains(where: \.hasFirst) {
                        // Takes some round trips of its own, for which nobody else is to wait.
                        for entry in entries where entry.hasFirst {
                            chords.addTask { await self.settleAfterFirst(entry) }
                        }
                        entries.removeAll(where: \.hasFirst)
                    }
                    // What goes back does so in its order.
                    let limit = entries.contains { $0.isReturn } ? 1 : Self.toldAhead
                    while underWay >= limit {
                        await told.next()
                        underWay -= 1
                    }
                    told.addTask { [entries] in await self.settle(entries) }
                    underWay += 1
                }
            }
        }
    }

    /// Tells the broker, again and again, until it answers.
    ///
    /// - Parameter isRepeated: it was told before, and nobody knows whether that arrived.
    private func settle(_ entries: [BookEntry], isRepeated wasTold: Bool = false) async {
        guard !entries.isEmpty else { return }
        var isRepeated = wasTold
        var refusals = 0
        var pause = Pause()
        while !Task.isCancelled {
            do {
                let answers = try await tell(entries)
                heardFromBroker(took: false)
                return await conclude(entries, answers, isRepeated: isRepeated)
            } catch let error as RedisError where Self.isRefusal(error) && entries.count > 1 {
                logger.debug("outcomes are told one by one", metadata: ["error": "\(error)"])
                for entry in entries { await settle([entry], isRepeated: true) }
                return
            } catch {
                isRepeated = true
                if let error = error as? RedisError, Self.isRefusal(error) { refusals += 1 }
                if refusals >= Self.attempts { return await giveUp(entries[0], error) }
                logger.debug(
                    "outcomes cannot be told", metadata: ["error": "\(error)", "outcomes": "\(entries.count)"])
                await pause.wait()
            }
        }
    }

    /// Its lease will end, and it is served again, as often as messages are.
    private func giveUp(_ entry: BookEntry, _ error: any Error) async {
        logger.error("an outcome is refused", metadata: ["id": "\(entry.taskID)", "error": "\(error)"])
        await conclude([entry], [false], isRepeated: false)
    }

    /// What was told is at fault, and not the state that the broker is in.
    private static func isRefusal(_ error: RedisError) -> Bool { ["ERR", "WRONGTYPE"].contains(error.code) }

    /// Whether each was still ours.
    private func tell(_ entries: [BookEntry]) async throws -> [Bool] {
        let finishes = entries.compactMap(\.finish)
        let returns = entries.compactMap(\.returned)
        var finished: [Bool] = []
        if !finishes.isEmpty { finished = try await broker.finish(finishes) }
        var returned: [Bool] = []
        if !returns.isEmpty { returned = try await broker.giveBack(returns) }
        var (nextFinished, nextReturned) = (finished.makeIterator(), returned.makeIterator())
        var answers: [Bool] = []
        answers.reserveCapacity(entries.count)
        for index in entries.indices {
            switch entries[index].act {
            case .finish: answers.append(nextFinished.next() ?? false)
            case .giveBack: answers.append(nextReturned.next() ?? false)
            // All of it came before.
            case .publish: answers.append(true)
            case .bury:
                answers.append(try await broker.bury(entries[index].receipt, message: entries[index].message))
            }
        }
        for index in entries.indices {
            if let hold = entries[index].freeing { try await broker.free(hold) }
        }
        return answers
    }

    /// What has to come before the message is acknowledged, each step of which may be taken twice.
    private func settleAfterFirst(_ entry: BookEntry) async {
        var refusals = 0
        var mayBeDone = false
        var pause = Pause()
        while !Task.isCancelled {
            do {
                try await takeFirstSteps(of: entry, mayBeDone: mayBeDone)
                return await settle([entry])
            } catch {
                if let error = error as? RedisError, Self.isRefusal(error) { refusals += 1 } else { mayBeDone = true }
                if refusals >= Self.attempts { return await giveUp(entry, error) }
                logger.debug(
                    "what follows a task cannot be told", metadata: ["id": "\(entry.taskID)", "error": "\(error)"])
                await pause.wait()
            }
        }
    }

    /// - Parameter mayBeDone: It was tried before, and nobody knows how far that came.
    func takeFirstSteps(of entry: BookEntry, mayBeDone: Bool = false) async throws {
        guard try await mayAct(on: entry) else { return }
        try await ledger.take(entry.first)
        if case .publish(let messages) = entry.act {
            // No lease fences it, and a task that was acknowledged before its run must not be tried again twice.
            try await broker.publish(
                messages, leaving: "martlet-published-\(entry.receipt.tag)", mayBeDone: mayBeDone)
        }
    }

    /// Whether its lease stands: what comes first is not fenced by itself.
    private func mayAct(on entry: BookEntry) async throws -> Bool {
        if case .publish = entry.act { return true }
        return try await broker.renew([entry.receipt]).isEmpty
    }

    /// The desk is told, what was counted is counted, and monitors hear of it.
    private func conclude(_ entries: [BookEntry], _ answers: [Bool], isRepeated: Bool) async {
        var answers = answers
        if isRepeated {
            for index in entries.indices where !answers[index] { answers[index] = await wasOurs(entries[index]) }
        }
        let chores = decide { state, _ in
            state.unsettled -= entries.count
            // By their places: an entry has twenty parts, and is not copied for three of them.
            for index in entries.indices {
                guard let id = entries[index].id else { continue }
                let isCommitted = answers[index]
                state.desk.settled(id, isCommitted: isCommitted)
                state.held[id] = nil
                state.counters[entries[index].name, default: .init()].count(
                    isCommitted ? entries[index].tally : .abandoned,
                    runtime: isCommitted ? entries[index].runtime : 0)
            }
            return []
        }
        events.tasks(zip(entries, answers)) { entry, isCommitted in isCommitted ? entry.event?() : nil }
        for index in entries.indices where !answers[index] { tellOfLoss(entries[index]) }
        carryOut(chores)
    }

    /// Whether what was told before the connection broke had arrived: its result is there.
    private func wasOurs(_ entry: BookEntry) async -> Bool {
        guard let own = entry.ownResult, let stored = try? await results.result(of: entry.taskID) else { return false }
        return stored == own.json
    }

    private func tellOfLoss(_ entry: BookEntry) {
        logger.warning(
            "an outcome is discarded: the lease was lost",
            metadata: ["task": "\(entry.name)", "id": "\(entry.taskID)", "queue": "\(entry.receipt.queue)"])
    }
}
